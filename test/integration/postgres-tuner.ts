import { expect } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { startPostgres, type PostgresOptions, type PostgresServer } from '../../hack/servers/postgres.ts';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { resolve, resolveDefaults, type Resolved } from '../../operator/decide/resolve.ts';
import { postgresql } from '../../operator/levers/postgresql/lever.ts';
import { apply, confirmations, intentions, observe, planAll, type LeverMemory } from '../../operator/levers/run.ts';
import { generationService } from '../world/builders.ts';

/** Of the role of every test: each visit checks that nothing that leaves the lever holds it. */
export const password = 's3cret-of-the-tests';

/** The role as the documentation makes it, word for word. */
const [, makeRole = ''] = /```sql\n(.*?)```/s.exec(await readFile('docs/levers/postgresql.md', 'utf8')) ?? [];

/** A server with that role, but for what a test wants to be missing. */
export async function startTuned(
  options: PostgresOptions,
  { without = [] }: { readonly without?: readonly Grant[] } = {},
): Promise<PostgresServer> {
  const server = await startPostgres({ ...options, settings: { log_line_prefix: '%u ', ...options.settings } });
  await server.query(makeRole.replace('SECRET', password));
  for (const grant of without) await server.query(revokes[grant]);
  return server;
}

type Grant = keyof typeof revokes;
const revokes = {
  alterSystem: `DO $$ BEGIN EXECUTE (SELECT format('REVOKE ALTER SYSTEM ON PARAMETER %s FROM genops', string_agg(parname, ', ')) FROM pg_parameter_acl); END $$`,
  reload: 'REVOKE EXECUTE ON FUNCTION pg_reload_conf() FROM genops',
  readSettings: 'REVOKE pg_read_all_settings FROM genops',
  seeFiles: 'REVOKE SELECT ON pg_file_settings FROM genops',
};

export const secretOf = ({ port }: Pick<PostgresServer, 'port'>) => ({
  uri: `postgresql://genops:${password}@127.0.0.1:${port}/postgres`,
});

/** What ALTER SYSTEM has left in the file, without comments. */
export const autoConf = async (server: PostgresServer): Promise<string> =>
  (await readFile(join(server.folder, 'data/postgresql.auto.conf'), 'utf8')).replace(/^#.*\n/gm, '');

export interface TunerOptions {
  /** The Secret's keys; undefined: there is no Secret. */
  readonly secret: Readonly<Record<string, string>> | undefined;
  readonly policy?: PolicySpec['postgres'];
  readonly mode?: Resolved['mode'];
  readonly clusterRef?: { readonly group: string; readonly kind: string; readonly name: string };
}

/** The operator's own verbs over one declared PostgreSQL, with the memory that the state ConfigMap would hold. */
export function tuner({ secret, policy = {}, mode = 'Enforce', clusterRef }: TunerOptions) {
  let memory: LeverMemory = {};
  const data = secret && Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));
  const lever = postgresql({ readSecret: () => Promise.resolve(data) });
  const visit = async (verb: 'plan' | 'restore', declared: NonNullable<PolicySpec['postgres']>) => {
    const signal = AbortSignal.timeout(30_000);
    const server = { name: 'main', secretRef: { name: 'postgres' }, ...(clusterRef && { clusterRef }) };
    const resolved = verb === 'plan' ? resolvedWith(declared, mode, server) : resolvedForRestore(server);
    const observations = await observe([lever], resolved, signal);
    const plans = planAll(observations, { memory, now: 0, verb });
    memory = intentions(plans, memory);
    const [result] = await apply(plans, () => true, signal);
    if (result === undefined) throw new Error('no PostgreSQL is declared');
    memory = confirmations([result], memory);
    expect(inspect({ result, memory, observations }, { depth: 20 })).not.toContain(password);
    const { plan, outcome, condition } = result;
    return {
      outcome,
      ...condition,
      /** status.postgres[]. */
      entry: plan.status,
      causes: plan.changes.map(({ cause }) => cause),
      fields: plan.changes.flatMap(({ differences }) => differences.map(({ field }) => field)),
    };
  };
  return {
    visit: (changed: NonNullable<PolicySpec['postgres']> = policy) => visit('plan', changed),
    restore: () => visit('restore', {}),
  };
}

const targets = new Map([['workflow', { kind: 'found', replicas: 2, selector: [] } as const]]);

type Declared = NonNullable<GenerationService['spec']['postgres']>[number];

function resolvedWith(
  postgres: NonNullable<PolicySpec['postgres']>,
  mode: Resolved['mode'],
  server: Declared,
): Resolved {
  const service = serviceWith(server, { mode, overrides: { postgres } });
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

/** As when a service is deleted: its policy may be gone. */
const resolvedForRestore = (server: Declared): Resolved =>
  resolveDefaults({ service: serviceWith(server, {}), targets, podsMetrics: 'Shadow' });

function serviceWith(server: Declared, spec: Partial<GenerationService['spec']>): GenerationService {
  const { metadata, ...rest } = generationService({ ...spec, postgres: [server] });
  return { ...rest, metadata: { ...metadata, namespace: 'ai' } } as GenerationService;
}
