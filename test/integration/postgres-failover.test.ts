import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { connect } from 'node:net';
import { Client } from 'pg';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { eventually } from '../world/eventually.ts';
import { indexesOf, indexTuner, makeTables, wantedIndex } from './index-tuner.ts';
import { caughtUp, startStandby } from './postgres-standby.ts';
import { autoConf, password, secretOf, startTuned, tuner } from './postgres-tuner.ts';
import { withholdingProxy } from './withholding-proxy.ts';

const policy = { parameters: { work_mem: '16MB', max_wal_size: '2GB' } };
const valueOf = async (server: PostgresServer, name: string): Promise<unknown> =>
  (await server.query('SELECT current_setting($1) AS value', [name]))[0]?.['value'];

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('a read-only replica as the target, and a fail-over in the middle of a change and of a build', async () => {
    await using primary = await startTuned({ version });
    await makeTables(primary, 1000);
    await using standby = await startStandby(primary);
    let { port } = primary;
    await using proxy = await withholdingProxy(() => connect(port, '127.0.0.1'));
    const parameters = tuner({ secret: secretOf(proxy), policy });
    const indexes = indexTuner({ secret: secretOf(proxy) });

    const replica = { secret: secretOf(standby) };
    expect(await indexTuner(replica).visit([wantedIndex])).toMatchObject({
      outcome: 'nothing',
      reason: 'Applied',
      message: expect.stringContaining('a standby has the indexes of its primary'),
      entry: { indexes: [{ state: 'NotApplicable' }] },
    });
    const fewer = { parameters: { random_page_cost: '1.1', max_connections: '90' } };
    expect(await tuner({ ...replica, policy: fewer }).visit()).toMatchObject({
      reason: 'OutOfBounds',
      message: expect.stringContaining('a lower max_connections on a standby'),
    });
    expect(await valueOf(standby, 'random_page_cost')).toBe('1.1'); // its parameters are its own

    const snapshot = new Client({ host: primary.host, port: primary.port, user: 'postgres', database: 'postgres' });
    snapshot.on('error', () => undefined);
    await snapshot.connect();
    await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await snapshot.query('SELECT 1');
    await indexes.visit([wantedIndex]);
    await eventually(async () =>
      expect(await primary.query('SELECT phase FROM pg_stat_progress_create_index')).toMatchObject([
        { phase: 'waiting for old snapshots' },
      ]),
    );
    await caughtUp(primary, standby);
    proxy.arm('ALTER SYSTEM SET max_wal_size', 'Request');
    const visiting = parameters.visit();
    await proxy.lost;
    await primary.kill();
    await standby.query('SELECT pg_promote()');
    ({ port } = standby);
    await visiting; // it may have found the new one, or nobody
    expect(await parameters.visit()).toMatchObject({ status: 'True', reason: 'Applied' });
    expect([await valueOf(standby, 'max_wal_size'), await valueOf(standby, 'work_mem')]).toEqual(['2GB', '16MB']);

    expect(await indexesOf(standby)).toMatchObject([{ name: wantedIndex.name, valid: false }]); // it came with the data
    await eventually(async () => expect(await indexes.visit([wantedIndex])).toMatchObject({ reason: 'Applied' }));
    expect(await indexesOf(standby)).toMatchObject([{ name: wantedIndex.name, valid: true }]);
    await snapshot.end();
  });

  test('rotated credentials are said, and over once the Secret has them; what was rejected is never what a restart loads', async () => {
    await using server = await startTuned({ version, settings: { password_encryption: 'scram-sha-256' } });
    await server.query(`ALTER SYSTEM SET maintenance_work_mem = '70MB'`);
    await server.query('SELECT pg_reload_conf()');
    const rotated = { ...secretOf(server) };
    const { visit } = tuner({ secret: rotated });
    expect(await visit(policy)).toMatchObject({ reason: 'Applied' });
    await server.query(`ALTER ROLE genops RENAME TO genops_2`);
    await server.query(`ALTER ROLE genops_2 PASSWORD '${password}'`);
    expect(await visit(policy)).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'AuthenticationFailed' });
    rotated.uri = rotated.uri.replace('//genops:', '//genops_2:');
    expect(await visit(policy)).toMatchObject({ outcome: 'nothing', reason: 'Applied' }); // nothing was lost of it

    const amount = fc.oneof(
      fc.integer({ min: 1, max: 4000 }).map((figure) => `${figure}MB`),
      fc.constantFrom('8 MiB', 'lots', '9999GB', '-7', '', '1e3', "'; SELECT 1", '16MB'),
    );
    const asked = fc.record(
      {
        work_mem: amount,
        maintenance_work_mem: amount,
        max_wal_size: amount,
        random_page_cost: fc.constantFrom('1.1', '-1', 'cheap', '4'),
        jit: fc.constantFrom('off', 'on', 'perhaps'),
        max_connections: fc.constantFrom('120', '0', 'many'),
      },
      { requiredKeys: [] },
    );
    const names = ['work_mem', 'maintenance_work_mem', 'max_wal_size', 'random_page_cost', 'jit'];
    const inForce = async () => Promise.all(names.map((name) => valueOf(server, name)));
    for (const parameters of fc.sample(asked, { numRuns: 8, seed: 11 })) {
      const { outcome, message } = await visit({ parameters });
      const before = await inForce();
      const waiting = await server.query(
        "SELECT name FROM pg_settings WHERE pending_restart AND name <> 'max_connections'",
      );
      await server.restart();
      expect({ parameters, message, outcome, after: await inForce() }).toMatchObject({ after: before });
      expect(waiting).toEqual([]);
      expect(['100', '120']).toContain(await valueOf(server, 'max_connections'));
      expect(await autoConf(server)).not.toMatch(/lots|work_mem = '9999GB|MiB|cheap|perhaps|many|SELECT/);
    }
  });
});
