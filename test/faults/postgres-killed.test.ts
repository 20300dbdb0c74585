import { expect, test } from '@jest/globals';
import { connect } from 'node:net';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { configMaps, generationServices } from '../../operator/reconcilers/kinds.ts';
import { projectState } from '../../operator/reconcilers/state.ts';
import { autoConf, secretOf, startTuned } from '../integration/postgres-tuner.ts';
import { withholdingProxy } from '../integration/withholding-proxy.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

const patient = { withinMs: 60_000 };
const flags = ['--no-leader-elect'];
const service = () =>
  generationService({
    deletionPolicy: 'Restore',
    postgres: [{ name: 'main', secretRef: { name: 'postgres' } }],
    overrides: { postgres: { parameters: { max_wal_size: '2GB', work_mem: '16MB' } } },
  });

const inForce = async (server: PostgresServer) =>
  Object.fromEntries(
    (
      await server.query(
        "SELECT name, current_setting(name) AS value FROM pg_settings WHERE name IN ('max_wal_size', 'work_mem')",
      )
    ).map(({ name, value }) => [name, value]),
  );
const inFile = async (server: PostgresServer) => (await autoConf(server)).trim().split('\n').toSorted();

async function remembered(world: World) {
  const state = await world.get(configMaps, 'generation-genops-state');
  return state && projectState(state).state.levers['postgresql/main'];
}

const before = { max_wal_size: '1GB', work_mem: '5MB' };
const after = { max_wal_size: '2GB', work_mem: '16MB' };

test.each([
  {
    name: 'the first ALTER SYSTEM is on its way',
    word: 'ALTER SYSTEM SET max_wal_size',
    loss: 'Request',
    left: ["work_mem = '5MB'"],
  },
  {
    name: 'the first is written, and the server has not said so',
    word: 'ALTER SYSTEM SET max_wal_size',
    loss: 'Answer',
    left: ["max_wal_size = '2GB'", "work_mem = '5MB'"],
  },
  {
    name: 'all is written, and the server was not told to reload',
    word: 'SELECT pg_catalog.pg_reload_conf()',
    loss: 'Request',
    left: ["max_wal_size = '2GB'", "work_mem = '16MB'"],
  },
] as const)(
  'kill -9 while $name: all is in force afterwards, nothing is taken for drift, and what was there comes back',
  async ({ word, loss, left }) => {
    await using server = await startTuned({ version: '18' });
    await server.query("ALTER SYSTEM SET work_mem = '5MB'");
    await server.query('SELECT pg_reload_conf()');
    await using proxy = await withholdingProxy(() => connect(server.port, '127.0.0.1'));
    await using world = await startWorld({ secrets: ['postgres'], operator: flags });
    await world.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'postgres' },
      stringData: secretOf(proxy),
    });
    await world.apply(deployment());
    proxy.arm(word, loss);
    await world.apply(service());
    await proxy.lost;
    await world.operator.kill();
    expect(await inFile(server)).toEqual(left);
    expect(await inForce(server)).toEqual(before);
    expect(await remembered(world)).toMatchObject({
      originals: { max_wal_size: null, work_mem: '5MB' },
      unconfirmed: ['max_wal_size', 'work_mem'],
    });

    await world.restartOperator(flags);
    await world.eventually(
      async () => expectCondition(await world.service(), 'PostgresApplied', { status: 'True', reason: 'Applied' }),
      patient,
    );
    expect(await inForce(server)).toEqual(after);
    const known = await remembered(world);
    expect(known).toMatchObject({ originals: { max_wal_size: null, work_mem: '5MB' }, applied: after });
    expect(known).not.toHaveProperty('unconfirmed');
    expect(await world.operator.counter('genops_drift_total', { lever: 'postgresql' })).toBe(0);

    await world.delete(generationServices, 'generation');
    await world.eventually(
      async () => expect(await world.get(generationServices, 'generation')).toBeUndefined(),
      patient,
    );
    expect(await inForce(server)).toEqual(before);
    expect(await inFile(server)).toEqual(["work_mem = '5MB'"]);
  },
);
