import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, type PostgresOptions, type PostgresServer } from '../../hack/servers/postgres.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import type { Resolved } from '../../operator/decide/resolve.ts';
import { postgresql } from '../../operator/levers/postgresql/lever.ts';
import { leverTuner, password, secretData } from './lever-tuner.ts';

export { password } from './lever-tuner.ts';

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
  /** The service names this server too. */
  readonly standby?: Readonly<Record<string, string>>;
  readonly policy?: PolicySpec['postgres'];
  readonly mode?: Resolved['mode'];
  /** What the lever is to take for declared parameters, past every check of a policy. */
  readonly past?: Readonly<Record<string, string>>;
  readonly clusterRef?: { readonly group: string; readonly kind: string; readonly name: string };
}

export function tuner({ secret, standby, policy = {}, mode = 'Enforce', past, clusterRef }: TunerOptions) {
  const postgres = [
    { name: 'main', secretRef: { name: 'postgres' }, ...(clusterRef && { clusterRef }) },
    ...(standby === undefined ? [] : [{ name: 'standby', secretRef: { name: 'standby' } }]),
  ];
  const readSecret = (_: string, name: string) => Promise.resolve(secretData(name === 'standby' ? standby : secret));
  const lever = postgresql({ readSecret });
  const units: typeof lever.units = (resolved) =>
    lever
      .units(resolved)
      .map((unit) => ({ ...unit, policy: { ...unit.policy, parameters: past ?? unit.policy.parameters } }));
  const visit = leverTuner({ ...lever, units });
  return {
    visit: (changed: NonNullable<PolicySpec['postgres']> = policy) =>
      visit('plan', { mode, postgres, overrides: { postgres: changed } }),
    restore: () => visit('restore', { postgres }),
  };
}
