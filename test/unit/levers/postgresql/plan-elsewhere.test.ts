import { describe, expect, test } from '@jest/globals';
import { restore } from '../../../../operator/levers/postgresql/restore.ts';
import { planned, seen, small, unitWith, written, type Given, type Seen } from './observations.ts';

describe('on the database, where the server may not be set', () => {
  const owner: Seen = {
    ownsDatabase: true,
    settings: { work_mem: { maySet: false }, max_wal_size: { maySet: false } },
  };
  const overlay = (value: string) => [{ name: 'work_mem', value, role: null, database: 'shop' }];
  const field = 'work_mem of database shop';

  test.each<Given & { readonly name: string; readonly expected: readonly string[] }>([
    { name: 'a parameter of sessions', server: owner, expected: ['Declared work_mem null > 16MB'] },
    {
      name: 'also where ALTER SYSTEM is switched off',
      server: { ownsDatabase: true, settings: { allow_alter_system: { value: 'off' } } },
      expected: ['Declared work_mem null > 16MB'],
    },
    {
      name: 'also where the server may not be made to reload',
      server: { ownsDatabase: true, mayReload: false },
      expected: ['Declared work_mem null > 16MB'],
    },
    {
      name: 'over what it had',
      server: { ...owner, overlays: overlay('8MB') },
      expected: ['Declared work_mem 8MB > 16MB'],
    },
    { name: 'nothing where it has that', server: { ...owner, overlays: overlay('16384') }, expected: [] },
    {
      name: 'nothing where the server itself has that',
      server: { ...owner, settings: { ...owner.settings, work_mem: { maySet: false, value: '16384' } } },
      expected: [],
    },
    {
      name: 'what somebody has changed there is drift',
      server: { ...owner, overlays: overlay('8MB') },
      memory: { applied: { [field]: '16MB' }, originals: { [field]: null } },
      expected: ['Drift work_mem 8MB > 16MB'],
    },
    { name: 'nothing of a database that is not ours', server: { ...owner, ownsDatabase: false }, expected: [] },
    {
      name: 'nothing of another operator’s server',
      server: owner,
      unit: { clusterRef: { group: 'postgresql.cnpg.io', kind: 'Cluster', name: 'pg' } },
      expected: [],
    },
    {
      name: 'on the server once that may be set, and what the database has from us is taken back',
      server: { ownsDatabase: true, overlays: overlay('16MB') },
      memory: { applied: { [field]: '16MB' }, originals: { [field]: null } },
      expected: ['Declared work_mem 16MB > null', 'Declared work_mem null > 16MB'],
    },
  ])('$name', ({ expected, ...given }) => {
    expect(written(planned({ parameters: { work_mem: '16MB' }, ...given }))).toEqual(expected);
  });

  test('what no database can have is told with the GRANT, and what one has with who does not have it', () => {
    const { condition, changes } = planned({ server: owner, parameters: { work_mem: '16MB', max_wal_size: '2GB' } });
    expect(changes.flatMap(({ writes }) => writes)).toEqual([
      { name: 'work_mem', database: 'shop', to: '16MB', before: null },
    ]);
    expect(condition).toMatchObject({ status: 'False', reason: 'PermissionDenied' });
    expect(condition.message).toMatch(
      /next: GRANT ALTER SYSTEM ON PARAMETER max_wal_size TO genops\. work_mem is set on database shop alone/,
    );
    const alone = planned({ server: { ...owner, overlays: overlay('16MB') }, parameters: { work_mem: '16MB' } });
    expect(alone.condition).toMatchObject({ status: 'True', reason: 'NewSessionsOnly' });
  });

  test('a quarter of the memory for each sort is too much there as well', () => {
    const { condition, changes } = planned({ server: owner, sizing: small, parameters: { work_mem: '2GB' } });
    expect(changes.flatMap(({ writes }) => writes.filter(({ name }) => name === 'work_mem'))).toEqual([]);
    expect(condition).toMatchObject({
      status: 'False',
      message: expect.stringContaining('25 % of postgres.sizing.memory'),
    });
  });

  test('what the database no longer has is not remembered either', () => {
    const { remember } = planned({ memory: { applied: { [field]: '16MB' }, originals: { [field]: '8MB' } } });
    expect(remember).toMatchObject({ applied: {}, originals: {} });
  });
});

describe('through the object of the server’s own operator', () => {
  const clusterRef = { group: 'postgresql.cnpg.io', kind: 'Cluster', name: 'pg' };
  const owner = (parameters: Readonly<Record<string, string>> = {}, ours: readonly string[] = []) => ({
    owner: {
      label: 'Cluster pg',
      uid: 'u',
      parameters,
      ours,
      others: Object.fromEntries(
        Object.keys(parameters).flatMap((name) => (ours.includes(name) ? [] : [[name, 'kubectl']])),
      ),
    },
  });
  const through = (given: Given) => planned({ unit: { clusterRef }, parameters: { work_mem: '16MB' }, ...given });

  test.each<Given & { readonly name: string; readonly has: readonly object[]; readonly reason: string }>([
    {
      name: 'what differs is put there',
      server: owner({ max_wal_size: '1GB' }),
      has: [{ work_mem: '16MB' }],
      reason: 'OwnerBehind',
    },
    {
      name: 'beside what is ours already, which stays',
      server: owner({ jit: 'off' }, ['jit']),
      has: [{ jit: 'off', work_mem: '16MB' }],
      reason: 'OwnerBehind',
    },
    {
      name: 'not over what somebody else has there, which holds up nothing else',
      server: owner({ work_mem: '8MB' }),
      parameters: { work_mem: '16MB', jit: 'off' },
      has: [{ jit: 'off' }],
      reason: 'Conflict',
    },
    {
      name: 'over what was ours',
      server: owner({ work_mem: '8MB' }, ['work_mem']),
      has: [{ work_mem: '16MB' }],
      reason: 'OwnerBehind',
    },
    {
      name: 'not again while the server is behind',
      server: owner({ work_mem: '16384kB' }),
      has: [],
      reason: 'OwnerBehind',
    },
    {
      name: 'nothing that the server has, whoever has set it',
      server: { ...owner(), settings: { work_mem: { value: '16384' } } },
      has: [],
      reason: 'Applied',
    },
    {
      name: 'without any right of ours on the server',
      server: { ...owner(), settings: { work_mem: { maySet: false, inAutoConf: undefined } as never } },
      has: [{ work_mem: '16MB' }],
      reason: 'OwnerBehind',
    },
    {
      name: 'nothing that its operator would restart servers for',
      server: owner(),
      parameters: { max_connections: '120' },
      has: [],
      reason: 'ReportOnly',
    },
    {
      name: 'nothing that is out of bounds, which is said before the rest',
      server: owner(),
      parameters: { work_mem: '2GB', jit: 'off' },
      sizing: small,
      has: [expect.not.objectContaining({ work_mem: expect.anything() })],
      reason: 'OutOfBounds',
    },
  ])('$name', ({ has, reason, ...given }) => {
    const { changes, condition } = through(given);
    expect(changes.map((change) => change.owner?.parameters)).toEqual(has);
    expect(changes.flatMap(({ writes }) => writes)).toEqual([]);
    expect(condition.reason).toBe(reason);
  });

  describe('what was set on the server before is taken back', () => {
    const memory = {
      originals: { work_mem: null, jit: 'on', 'random_page_cost of database shop': null },
      applied: { work_mem: '16MB', jit: 'off', 'random_page_cost of database shop': '1.1' },
    };
    const ours = (value: string) => ({ value, source: 'configuration file', inAutoConf: value, inFiles: value });
    const there: Seen = {
      ownsDatabase: true,
      settings: { work_mem: { ...ours('16384') }, jit: ours('off') },
      overlays: [{ name: 'random_page_cost', value: '1.1', role: null, database: 'shop' }],
    };
    const back = ['Declared random_page_cost 1.1 > null', 'Declared work_mem 16MB > null', 'Declared jit off > on'];

    test('once the object has the server, after what that is to have, and first what needs no file', () => {
      const { changes, againMs } = through({
        server: { ...there, ...owner() },
        parameters: { work_mem: '16MB', effective_io_concurrency: '200' },
        memory,
      });
      expect(changes.map((change) => change.owner?.parameters)).toEqual([
        { effective_io_concurrency: '200' },
        undefined,
      ]);
      expect(written({ changes } as ReturnType<typeof planned>)).toEqual(back);
      expect(changes[1]?.differences[1]).toEqual({ field: 'work_mem', from: '16MB', to: 'what Cluster pg says' });
      expect(againMs).toBe(10_000);
    });

    test('also where nothing is known of the other operator', () => {
      const plan = through({ server: there, memory });
      expect(written(plan)).toEqual(back);
    });

    test('and with the service where that was not possible before', () => {
      const input = { unit: unitWith({}, { clusterRef }), now: 0, memory };
      const { changes } = restore({ ...input, observed: seen({ ...there, ...owner({ jit: 'off' }, ['jit']) }) });
      expect(changes.map((change) => change.owner?.parameters)).toEqual([{}, undefined]);
      expect(changes[1]?.writes).toHaveLength(3);
    });

    test.each<readonly [string, Seen]>([
      ['nothing that is not there any more', { settings: { work_mem: { value: '16384', inAutoConf: null } } }],
      ['nothing that somebody has changed', { settings: { work_mem: { ...ours('32768') } } }],
      [
        'nothing that nobody sees there',
        { settings: { work_mem: { value: '16384', inAutoConf: undefined as never } } },
      ],
    ])('%s', (_, server) => {
      expect(written(through({ server: { ...owner(), ...server }, memory }))).toEqual([]);
      const input = { unit: unitWith({}, { clusterRef }), now: 0, memory };
      expect(restore({ ...input, observed: seen({ ...owner(), ...server }) }).changes).toEqual([]);
    });

    test.each<readonly [string, Seen, object, RegExp]>([
      [
        'ALTER SYSTEM is switched off',
        { settings: { ...there.settings, allow_alter_system: { value: 'off' } } },
        { status: 'False', reason: 'AlterSystemOff' },
        /^saw work_mem = 16MB, jit = off on main, set by us before clusterRef named Cluster pg, and allow_alter_system = off; wanted what Cluster pg says, over which it wins; next: allow ALTER SYSTEM for a minute/,
      ],
      [
        'the role has no right to it any more',
        { mayReload: false },
        { status: 'False', reason: 'PermissionDenied' },
        /no right of genops to take it back/,
      ],
    ])('where %s that is told, and the database has its own back', (_, server, condition, message) => {
      const plan = through({ server: { ...there, ...owner(), ...server }, memory });
      expect(written(plan)).toEqual(back.slice(0, 1));
      expect(plan.condition).toMatchObject(condition);
      expect(plan.condition.message).toMatch(message);
    });
  });

  test('it is looked at again soon while the server is behind; that the server is ours to set is remembered', () => {
    expect(through({ server: owner({ work_mem: '16MB' }) })).toMatchObject({
      againMs: 10_000,
      remember: { serverRun: '7000000000000000001', originals: {} },
    });
    expect(through({ server: { ...owner(), settings: { work_mem: { value: '16384' } } } }).againMs).toBe(30_000);
  });

  test('restore takes just ours out', () => {
    const restored = (server: Seen) =>
      restore({ unit: unitWith({}, { clusterRef }), observed: seen(server), memory: undefined, now: 0 }).changes;
    expect(restored(owner({ work_mem: '16MB', jit: 'off' }, ['jit']))).toMatchObject([
      { differences: [{ field: 'jit in Cluster pg', from: 'off' }], writes: [], owner: { uid: 'u', parameters: {} } },
    ]);
    expect(restored(owner({ work_mem: '16MB' }))).toEqual([]);
  });
});
