import { Type, type Static } from 'typebox';

/** What the operator writes for a workload and its runtime library reads: figures in base units, so that nobody has to parse `300s` or `1Gi`. */

/** Key of the ConfigMap, and so the file's name in the volume. */
export const runtimeSettingsFile = 'settings.json';

const count = (minimum: number, description: string) => Type.Integer({ minimum, description });
const ms = (description: string) => Type.Integer({ minimum: 0, description: `${description} In ms.` });

/** Fields that a reader does not know are for a newer one: they may be there. A field that changes its meaning changes `version`. */
export const RuntimeSettings = Type.Object(
  {
    version: Type.Literal(1, { description: 'Of this format.' }),
    hash: Type.String({
      pattern: '^[0-9a-f]{12}$',
      description:
        'Of all the rest. Who runs with these settings says so with the gauge generation_runtime_config_hash: this, read as a hexadecimal number.',
    }),
    pools: Type.Record(Type.String(), count(1, 'Tasks at once.'), {
      description: 'How many tasks of a kind run at once.',
    }),
    memory: Type.Object({
      collectAboveBytes: count(0, 'Resident memory above which garbage is collected.'),
    }),
    cpuPool: Type.Object({
      threads: count(1, 'Worker threads for work that only computes.'),
      memoEntries: count(0, 'Results that are remembered.'),
    }),
    batch: Type.Object({
      maxRequests: count(1, 'Requests that make a batch full.'),
      maxWaitMs: ms('Longest time that a request waits for others.'),
    }),
    http: Type.Object({
      connections: count(1, 'Requests under way in all.'),
      connectionsPerHost: count(1, 'Connections to one host.'),
      dnsTtlMs: ms('How long an address is remembered.'),
      keepAliveMs: ms('How long an idle connection is kept.'),
      timeoutMs: count(1, 'Longest time for one request in all. In ms.'),
      connectTimeoutMs: count(1, 'Longest wait for a connection. In ms.'),
    }),
    cache: Type.Object({
      l1: Type.Object({ entries: count(0, 'Most entries.'), ttlMs: ms('How long an entry is kept.') }),
      l2: Type.Object({ ttlMs: ms('How long an entry is kept.') }),
      warming: Type.Object({
        hotAfterReads: count(1, 'A key that is read more often than this has its related keys warmed.'),
        maxPerSecond: count(0, 'Most keys that are warmed in a second; 0: none.'),
      }),
    }),
    postgresPool: Type.Object({
      min: count(0, 'Connections that are kept open.'),
      max: count(1, 'Most connections of one process.'),
      recycleAfterQueries: count(1, 'Queries after which a connection is replaced.'),
      idleTimeoutMs: ms('How long an idle connection above min is kept.'),
      commandTimeoutMs: count(1, 'Longest time for one statement, and longest wait for a connection. In ms.'),
    }),
    queryMonitor: Type.Object({
      slowAboveMs: ms('Statements that take longer are logged.'),
      maxStatements: count(1, 'Different statements that are counted.'),
    }),
  },
  { description: 'Settings of a workload, which it takes over without a restart.' },
);
export type RuntimeSettings = Static<typeof RuntimeSettings>;
