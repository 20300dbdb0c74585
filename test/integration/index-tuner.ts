import type { PostgresServer } from '../../hack/servers/postgres.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import type { Resolved } from '../../operator/decide/resolve.ts';
import { postgresqlIndexes } from '../../operator/levers/postgresql/indexes/lever.ts';
import type { WantedIndex } from '../../operator/levers/postgresql/indexes/wanted.ts';
import { keyOf } from '../../operator/kube/object.ts';
import { storedService } from '../world/builders.ts';
import { leverTuner, secretData } from './lever-tuner.ts';

export type Indexes = NonNullable<NonNullable<PolicySpec['postgres']>['indexes']>;

/** Those that a policy has by itself. */
export const off: Indexes = ['workflows_status_created', 'cache_entries_lookup', 'performance_metrics_time'].map(
  (name) => ({ name, mode: 'Off' }),
);

export interface IndexTunerOptions {
  readonly secret: Readonly<Record<string, string>>;
  /** The service names this server too. */
  readonly standby?: Readonly<Record<string, string>>;
  /** Of the volume, as the service says it. */
  readonly volumeSize?: string;
  readonly oldAfterSeconds?: number;
  readonly countEveryMs?: number;
  /** What the lever is to take for declared, past every check of a policy. */
  readonly past?: readonly WantedIndex[];
  /** So long each build has waited for a lock. */
  readonly waitsSeconds?: number;
  /** What others do after a look, before what follows from it is done. */
  readonly betweenLookAndAct?: () => Promise<unknown>;
}

type Visited = Omit<NonNullable<PolicySpec['postgres']>, 'mode'> &
  Pick<PolicySpec, 'maintenanceWindows'> & {
    readonly mode?: Resolved['mode'];
    /** ms since the epoch. */
    readonly now?: number;
  };

/** Visits of the index lever with the indexes that are given, and no others. */
export function indexTuner({
  secret,
  standby,
  past,
  volumeSize,
  waitsSeconds,
  betweenLookAndAct,
  ...options
}: IndexTunerOptions) {
  const secrets = { postgres: secret, ...(standby && { standby }) };
  const readSecret = (_: string, name: string) => Promise.resolve(secretData(secrets[name as keyof typeof secrets]));
  const start = () => postgresqlIndexes({ readSecret }, options);
  let lever = start();
  const units: typeof lever.units = (resolved) =>
    lever
      .units(resolved)
      .map((unit) => ({ ...unit, policy: { ...unit.policy, indexes: past ?? unit.policy.indexes } }));
  const observe: typeof lever.observe = async (unit, signal, memory) => {
    const observed = await lever.observe(unit, signal, memory);
    await betweenLookAndAct?.();
    return waitsSeconds === undefined
      ? observed
      : { ...observed, builds: observed.builds.map((one) => ({ ...one, waitsSeconds })) };
  };
  const apply: typeof lever.apply = (...change) => lever.apply(...change);
  const visit = leverTuner({ ...lever, units, observe, apply });
  const servers = [
    { name: 'main', secretRef: { name: 'postgres' }, ...(volumeSize !== undefined && { volumeSize }) },
    ...(standby === undefined ? [] : [{ name: 'standby', secretRef: { name: 'standby' } }]),
  ];
  return {
    visit: (indexes: Indexes, { mode = 'Enforce', now = 0, maintenanceWindows = [], ...more }: Visited = {}) =>
      visit(
        'plan',
        {
          mode,
          postgres: servers,
          overrides: { maintenanceWindows, postgres: { ...more, indexes: [...off, ...indexes] } },
        },
        now,
      ),
    restore: () => visit('restore', { postgres: servers }),
    /** The service is gone. */
    forget: (last = { isLast: false }) => lever.forget?.(keyOf(storedService()), last, AbortSignal.timeout(30_000)),
    /** Another process: it has what was remembered, and nothing else. */
    restart: () => void (lever = start()),
  };
}

/** The tables of the guide, of an owner that genops may become. */
export async function makeTables(server: PostgresServer, rows = 0): Promise<void> {
  await server.query('CREATE ROLE app');
  await server.query(`GRANT app TO genops${server.version === '15' ? '' : ' WITH INHERIT FALSE, SET TRUE'}`);
  await server.query('GRANT CREATE ON SCHEMA public TO app');
  await server.query(
    `CREATE TABLE workflows (id bigserial PRIMARY KEY, status text, created_at timestamptz, size int)`,
  );
  await server.query('ALTER TABLE workflows OWNER TO app');
  await server.query(
    `INSERT INTO workflows (status, created_at, size) SELECT (ARRAY['running', 'pending', 'done'])[1 + n % 3], now(), n FROM generate_series(1, $1) n`,
    [rows],
  );
}

export const wantedIndex = {
  name: 'workflows_status_created',
  table: 'workflows',
  columns: [{ name: 'status' }, { name: 'created_at' }],
  where: [{ column: 'status', operator: 'In', values: ['running', 'pending'] }],
} satisfies Indexes[number];

/** Of a table: name, validity and the words of the server. */
export const indexesOf = (server: PostgresServer, table = 'workflows') =>
  server.query(
    `SELECT c.relname AS name, i.indisvalid AS valid, pg_get_indexdef(c.oid) AS definition, pg_get_userbyid(c.relowner) AS owner
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass AND NOT i.indisprimary ORDER BY 1`,
    [table],
  );

/** The CREATE INDEX CONCURRENTLY that the role genops has sent, in order. */
export const creations = async (server: PostgresServer): Promise<readonly string[]> =>
  [
    ...(await server.log()).matchAll(
      /^genops LOG: {2}(?:statement|execute <unnamed>): (CREATE (?:UNIQUE )?INDEX CONCURRENTLY .*)$/gm,
    ),
  ].map(([, sql = '']) => sql);
