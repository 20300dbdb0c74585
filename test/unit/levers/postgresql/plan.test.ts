import { describe, expect, test } from '@jest/globals';
import { planned, small, written, type Given, type Seen } from './observations.ts';

describe('what is written', () => {
  test.each<Given & { readonly name: string; readonly expected: readonly string[] }>([
    { name: 'nothing where nothing is declared', expected: [] },
    { name: 'what differs', parameters: { work_mem: '16MB' }, expected: ['Declared work_mem null > 16MB'] },
    {
      name: 'nothing where another spelling means the same',
      parameters: { work_mem: '4MB', jit: 'true' },
      expected: [],
    },
    {
      name: 'over what stands in postgresql.auto.conf, which is remembered',
      server: { settings: { work_mem: { value: '8192', source: 'configuration file', inAutoConf: '8MB' } } },
      parameters: { work_mem: '16MB' },
      expected: ['Declared work_mem 8MB > 16MB'],
    },
    {
      name: 'drift before what is new',
      parameters: { work_mem: '16MB', checkpoint_timeout: '15min' },
      memory: { applied: { work_mem: '16MB' } },
      expected: ['Drift work_mem null > 16MB', 'Declared checkpoint_timeout null > 15min'],
    },
    {
      name: 'no drift of what was only intended',
      parameters: { work_mem: '16MB' },
      memory: { applied: { work_mem: '16MB' }, unconfirmed: ['work_mem'] },
      expected: ['Declared work_mem null > 16MB'],
    },
    {
      name: 'no drift of what another server had',
      parameters: { work_mem: '16MB' },
      memory: { applied: { work_mem: '16MB' }, serverRun: '6' },
      expected: ['Declared work_mem null > 16MB'],
    },
    {
      name: 'what a start has to take',
      parameters: { max_connections: '120' },
      expected: ['Declared max_connections null > 120'],
    },
    {
      name: 'nothing that waits for a restart already, by the files',
      server: { settings: { max_connections: { isPending: true, inFiles: '120', inAutoConf: '120' } } },
      parameters: { max_connections: '120' },
      expected: [],
    },
    {
      name: 'what somebody has set for the next start instead',
      server: { settings: { max_connections: { isPending: true, inFiles: '90', inAutoConf: '90' } } },
      parameters: { max_connections: '120' },
      memory: { applied: { max_connections: '120' }, originals: { max_connections: null } },
      expected: ['Drift max_connections 90 > 120'],
    },
    {
      name: 'what somebody has set for the next start of what is in force',
      server: { settings: { max_connections: { isPending: true, inFiles: '90', inAutoConf: '90' } } },
      parameters: { max_connections: '100' },
      expected: ['Declared max_connections 90 > 100'],
    },
  ])('$name', ({ expected, ...given }) => {
    expect(written(planned(given))).toEqual(expected);
  });

  test('where the files are not to be seen, what waits for a restart is what was written and confirmed', () => {
    const server = { settings: { max_connections: { isPending: true, inFiles: undefined, inAutoConf: undefined } } };
    const parameters = { max_connections: '120' };
    const known = { applied: { max_connections: '120' }, originals: { max_connections: null } };
    const hidden = {
      ...server,
      settings: { max_connections: { ...server.settings.max_connections } },
    } as unknown as Seen;
    expect(written(planned({ server: hidden, parameters, memory: known }))).toEqual([]);
    expect(
      written(planned({ server: hidden, parameters, memory: { ...known, unconfirmed: ['max_connections'] } })),
    ).toEqual(['Declared max_connections null > 120']);
    expect(planned({ server: hidden, parameters })).toMatchObject({
      changes: [],
      condition: {
        reason: 'PermissionDenied',
        message: expect.stringMatching(/next: in database shop: GRANT pg_read.*GRANT SELECT ON pg_file_settings/),
      },
    });
  });

  test('remembers the original once, and what is ours', () => {
    const [change] = planned({
      server: { settings: { work_mem: { value: '8192', inAutoConf: '8MB' } } },
      parameters: { work_mem: '16MB', jit: 'on', max_connections: '120' },
      memory: { originals: { work_mem: null }, applied: {} },
    }).changes;
    expect(change?.remember).toEqual({
      originals: { work_mem: null, max_connections: null },
      applied: { jit: 'on', work_mem: '16MB', max_connections: '120' },
      serverRun: '7000000000000000001',
      address: 'pg.ai.svc:5432',
    });
  });
});

describe('what is said', () => {
  test.each<
    Given & { readonly name: string; readonly status: string; readonly reason: string; readonly message: RegExp }
  >([
    {
      name: 'nothing declared',
      status: 'True',
      reason: 'Applied',
      message: /^0 parameters of main \(PostgreSQL 17\.2\)/,
    },
    { name: 'in force', parameters: { work_mem: '4MB' }, status: 'True', reason: 'Applied', message: /^1 parameters/ },
    {
      name: 'a restart is needed',
      parameters: { max_connections: '120', work_mem: '16MB' },
      status: 'True',
      reason: 'PendingRestart',
      message: /^Of main, max_connections \(100 instead of 120\) waits for a restart/,
    },
    {
      name: 'what nobody declares any more and a restart would still take',
      server: {
        settings: {
          max_connections: { isPending: true, inFiles: '200', inAutoConf: '200' },
          shared_buffers: { isPending: true, inFiles: '1GB', inAutoConf: '1GB' },
        },
      },
      memory: {
        originals: { max_connections: null, shared_buffers: '256MB' },
        applied: { max_connections: '200', shared_buffers: '1GB' },
      },
      status: 'True',
      reason: 'PendingRestart',
      message:
        /^Of main, max_connections = 200, shared_buffers = 1GB is no longer declared, and still takes force at the next restart; next: ALTER SYSTEM RESET max_connections; ALTER SYSTEM SET shared_buffers = '256MB'; SELECT pg_reload_conf\(\)\.$/,
    },
    {
      name: 'what nobody declares any more and is in force all the same',
      server: { settings: { work_mem: { value: '16384', inFiles: '16MB', inAutoConf: '16MB' } } },
      parameters: { jit: 'on' },
      memory: { originals: { work_mem: null }, applied: { jit: 'on', work_mem: '16MB' } },
      status: 'True',
      reason: 'Applied',
      message:
        /^1 parameters of main .* are in force\. Of main, work_mem = 16MB is no longer declared, and stays in force; next: ALTER SYSTEM RESET work_mem; SELECT pg_reload_conf\(\)\.$/,
    },
    {
      name: 'what nobody declares any more and somebody has taken out since',
      server: { settings: { max_connections: { isPending: true, inFiles: null, inAutoConf: null } } },
      memory: { originals: { max_connections: null }, applied: { max_connections: '200' } },
      status: 'True',
      reason: 'Applied',
      message: /^0 parameters of main/,
    },
    {
      name: 'a missing right, as one command',
      server: { role: '"Gen Ops"', settings: { work_mem: { maySet: false }, jit: { maySet: false } } },
      parameters: { work_mem: '16MB', jit: 'off' },
      status: 'False',
      reason: 'PermissionDenied',
      message: /wanted jit = off, work_mem = 16MB; next: GRANT ALTER SYSTEM ON PARAMETER jit, work_mem TO "Gen Ops"$/,
    },
    {
      name: 'no right to reload',
      server: { mayReload: false },
      parameters: { work_mem: '16MB' },
      status: 'False',
      reason: 'PermissionDenied',
      message: /next: in database shop: GRANT EXECUTE ON FUNCTION pg_reload_conf\(\) TO genops$/,
    },
    {
      name: 'ALTER SYSTEM switched off',
      server: { settings: { allow_alter_system: { value: 'off' } } },
      parameters: { work_mem: '16MB' },
      status: 'False',
      reason: 'AlterSystemOff',
      message: /^saw work_mem 4MB instead of 16MB on main, and allow_alter_system = off/,
    },
    ...[
      { inFiles: '90', next: '90' },
      { inFiles: null, next: 'what it has by itself' },
    ].map(({ inFiles, next }) => ({
      name: `ALTER SYSTEM switched off, and what is in force goes with the next start: ${next}`,
      server: {
        settings: {
          allow_alter_system: { value: 'off' },
          max_connections: { isPending: true, inFiles, inAutoConf: null },
        },
      },
      parameters: { max_connections: '100' },
      status: 'False',
      reason: 'AlterSystemOff',
      message: new RegExp(`^saw max_connections 100 \\(from the next start on ${next}\\) instead of 100 on main`),
    })),
    {
      name: 'ALTER SYSTEM switched off where nothing differs',
      server: { settings: { allow_alter_system: { value: 'off' } } },
      parameters: { work_mem: '4MB' },
      status: 'True',
      reason: 'Applied',
      message: /in force/,
    },
    {
      name: 'the command line',
      server: { settings: { work_mem: { source: 'command line', value: '7168' } } },
      parameters: { work_mem: '16MB' },
      status: 'False',
      reason: 'SetOnCommandLine',
      message: /^work_mem of main: saw work_mem = 7MB on the command line/,
    },
    {
      name: 'the command line with the declared value, whatever is pending',
      server: { settings: { max_connections: { source: 'command line', isPending: true } } },
      parameters: { max_connections: '100' },
      status: 'True',
      reason: 'Applied',
      message: /in force/,
    },
    {
      name: 'an overlay',
      server: { overlays: [{ name: 'work_mem', value: '64MB', role: 'app', database: null }] },
      parameters: { work_mem: '16MB' },
      status: 'True',
      reason: 'OverlaidByRole',
      message: /work_mem = 64MB of role app wins over them/,
    },
    ...[
      { reason: 'SetOnCommandLine', settings: { work_mem: { source: 'command line', value: '7168' } } },
      { reason: 'AlterSystemOff', settings: { allow_alter_system: { value: 'off' } } },
      { reason: 'PermissionDenied', settings: { work_mem: { maySet: false } } },
    ].map(({ reason, settings }) => ({
      name: `an overlay beside ${reason}`,
      server: { settings, overlays: [{ name: 'random_page_cost', value: '4', role: 'app', database: null }] },
      parameters: { work_mem: '16MB', random_page_cost: '1.1' },
      status: 'False' as const,
      reason,
      message: /\. Besides, random_page_cost = 4 of role app wins over what the server has/,
    })),
    {
      name: 'an overlay that has the declared value',
      server: { overlays: [{ name: 'work_mem', value: '16384', role: 'app', database: null }] },
      parameters: { work_mem: '16MB' },
      status: 'True',
      reason: 'Applied',
      message: /in force/,
    },
    {
      name: 'an overlay of our own that hides the server’s value',
      server: {
        settings: { work_mem: { value: null, source: 'user' } },
        overlays: [{ name: 'work_mem', value: '64MB', role: 'genops', database: null }],
      },
      parameters: { work_mem: '16MB' },
      status: 'Unknown',
      reason: 'OverlaidByRole',
      message: /^work_mem of main: saw work_mem = 64MB of role genops in the way/,
    },
    {
      name: 'a parameter that this server does not have',
      parameters: { io_workers: '4' },
      status: 'False',
      reason: 'ConfigRejected',
      message: /saw a PostgreSQL 17\.2 that knows no parameter io_workers/,
    },
    {
      name: 'another operator’s server',
      unit: { clusterRef: { group: 'postgresql.cnpg.io', kind: 'Cluster', name: 'pg' } },
      parameters: { work_mem: '16MB' },
      status: 'True',
      reason: 'ReportOnly',
      message: /set them in Cluster pg/,
    },
  ])('$name', ({ status, reason, message, ...given }) => {
    expect(planned(given).condition).toEqual({ status, reason, message: expect.stringMatching(message) });
  });

  test('status tells what waits for a restart now, and once the changes are made', () => {
    const result = planned({ parameters: { max_connections: '120' } });
    expect(result.status).toEqual({ name: 'main', version: '17.2', hash: expect.stringMatching(/^[0-9a-f]{8}$/) });
    expect(result.statusAfter).toEqual({ ...result.status, pendingRestart: ['max_connections'] });
  });
});

describe('what would not start again is not written', () => {
  test.each<Given & { readonly name: string; readonly message: RegExp }>([
    {
      name: 'half of the memory',
      sizing: small,
      parameters: { shared_buffers: '2GB' },
      message: /at most 1639MB, 40 %/,
    },
    {
      name: 'more than the container has, whatever the policy says',
      sizing: { memory: '64Gi', cpus: '2' },
      unit: { workloadRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'pg' } },
      server: { memoryLimitBytes: 4 * 2 ** 30 },
      parameters: { shared_buffers: '2GB' },
      message:
        /at most 1639MB, 40 % of the memory limit of StatefulSet pg: .* or correct the memory limit of StatefulSet pg/,
    },
    {
      name: 'a quarter of the container for each sort and more, without any sizing',
      unit: { workloadRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'pg' } },
      server: { memoryLimitBytes: 2 ** 30 },
      parameters: { work_mem: '257MB' },
      message: /at most 256MB, 25 % of the memory limit of StatefulSet pg/,
    },
    {
      name: 'more than the policy says, where the container may have more',
      sizing: small,
      server: { memoryLimitBytes: 64 * 2 ** 30 },
      parameters: { shared_buffers: '2GB' },
      message: /at most 1639MB, 40 % of postgres\.sizing\.memory/,
    },
    { name: 'all of an unknown memory', parameters: { shared_buffers: '1GB' }, message: /on a server of unknown size/ },
    {
      name: 'no connection above the reserved ones',
      parameters: { max_connections: '5' },
      message: /reserves 5 connections; wanted more .* would not start; next: set max_connections to 9 or more/,
    },
    {
      name: 'fewer connections above the reserved ones than genops opens itself',
      parameters: { max_connections: '8' },
      message: /reserves 5 connections; wanted room for the 4 that are genops' own/,
    },
    { name: 'more processes than there may be', parameters: { max_connections: '262143' }, message: /at most 262143/ },
    {
      name: 'a megabyte of text for each of many connections',
      sizing: small,
      parameters: { max_connections: '1600', track_activity_query_size: '1MB' },
      message: /^max_connections, shared_buffers, track_activity_query_size of main: saw shared memory/,
    },
    {
      name: 'less on a standby',
      server: { isStandby: true },
      parameters: { max_connections: '50' },
      message: /a lower max_connections on a standby/,
    },
    {
      name: 'more on a primary with standbys',
      server: { standbys: 2 },
      parameters: { max_worker_processes: '16' },
      message: /a primary with 2 standbys/,
    },
    {
      name: 'a write-ahead log of less than two segments, which a reload takes and no start',
      parameters: { max_wal_size: '31MB' },
      message: /max_wal_size of main: saw max_wal_size = 31MB; wanted at least 32MB, .* next: set max_wal_size to 32MB/,
    },
    {
      name: 'a quarter of the memory for each sort and more',
      sizing: small,
      parameters: { work_mem: '2GB' },
      message: /at most 1024MB, 25 %/,
    },
  ])('$name', ({ message, ...given }) => {
    const result = planned(given);
    expect(result.condition).toMatchObject({
      status: 'False',
      reason: 'OutOfBounds',
      message: expect.stringMatching(message),
    });
    const declared = Object.keys(given.parameters ?? {});
    expect(
      result.changes.flatMap(({ writes }) => writes.map(({ name }) => name)).filter((name) => declared.includes(name)),
    ).toEqual([]);
  });

  test.each<Given & { readonly name: string }>([
    {
      name: 'as many connections above the reserved ones as genops opens itself',
      parameters: { max_connections: '9' },
    },
    { name: 'less memory on a server of unknown size', parameters: { shared_buffers: '64MB' } },
    {
      name: 'a little more on a server of unknown size (100 → 500 connections, 26 MB)',
      parameters: { max_connections: '500' },
    },
    { name: '38 % of a known memory', sizing: small, parameters: { shared_buffers: '1500MB' } },
    { name: 'a write-ahead log of two segments', parameters: { min_wal_size: '32MB' } },
    { name: 'more on a standby', server: { isStandby: true }, parameters: { max_connections: '150' } },
    { name: 'less on a primary with standbys', server: { standbys: 2 }, parameters: { max_connections: '50' } },
  ])('but $name is', (given) => {
    const [[name] = ['']] = Object.entries(given.parameters ?? {});
    expect(planned(given).changes.flatMap(({ writes }) => writes.map((one) => one.name))).toContain(name);
  });
});
