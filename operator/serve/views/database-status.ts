import { Type, type Static } from 'typebox';
import { rfc3339 } from '../../api/rfc3339.ts';
import {
  figure,
  known,
  megabytes,
  serviceName,
  ServiceName,
  textOrNull,
  time,
  timeOf,
  timeOrNull,
  view,
} from './figures.ts';
import type { DatabaseServerInput, ViewInput } from './figures.ts';

const SlowStatement = view('A statement that took long on average, over the window of the objectives.', {
  statement: Type.String({ description: 'Its text without literals, cut at 200 characters.' }),
  calls: Type.Number({ description: 'How often it ran in the window.' }),
  mean_ms: Type.Number({ description: 'What each took, on average in the window.' }),
  total_ms: Type.Number({ description: 'What they took together in the window.' }),
  max_ms: Type.Number({ description: 'The longest since the server counts it.' }),
  min_ms: Type.Number({ description: 'The shortest since the server counts it.' }),
});

const UnusedIndex = view('An index that no plan has read for 15 days, and that nothing but speed depends on.', {
  index: Type.String({ description: 'Database, schema and name.' }),
  size_mb: figure('As of its last VACUUM, ANALYZE or build, in units of 2^20 bytes.'),
  unread_since: time('When it was read last, or seen first.'),
});

const Server = view('One PostgreSQL, all its databases together. Nothing of its Secret is in it.', {
  name: Type.String({ description: 'Name in spec.postgres.' }),
  version: textOrNull('Version of the server.'),
  pending_restart: Type.Unsafe<string[] | null>({
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'Parameters that wait for a restart. null: not known.',
  }),
  observed_at: timeOrNull('When the following was read.'),
  connections: figure('Sessions of clients; that of the operator is one of them.'),
  connections_limit: figure('Sessions that there may be without a right to reserved ones.'),
  cache_hit_ratio: figure(
    'Share of the blocks that were asked for and found in shared_buffers, 0 to 1, over the window.',
  ),
  transactions_per_second: figure('Committed and rolled back, over the window.'),
  deadlocks: figure('Found in the window.'),
  temp_mb: figure('Written to temporary files in the window, in units of 2^20 bytes.'),
  transactions_total: figure('Since the statistics of each database were reset.'),
  blocks_hit_total: figure('Blocks found in shared_buffers, since then.'),
  blocks_read_total: figure('Blocks that had to be read, since then.'),
  deadlocks_total: figure('Deadlocks since then.'),
  temp_mb_total: figure('Written to temporary files since then, in units of 2^20 bytes.'),
  statistics_unknown: textOrNull('Why these are null, where the server was asked for them.'),
  slow_statements: Type.Unsafe<Static<typeof SlowStatement>[] | null>({
    type: ['array', 'null'],
    items: SlowStatement,
    description: 'Of the database of the Secret, what took most time first. null: not known.',
  }),
  slow_statements_source: textOrNull(
    'pg_stat_statements, which counts every execution, or pg_stat_activity, of which each visit sees what runs just then: then figures are a least.',
  ),
  slow_statements_unknown: textOrNull('Why slow_statements is null, where the server was asked for it.'),
  unused_indexes: Type.Unsafe<Static<typeof UnusedIndex>[] | null>({
    type: ['array', 'null'],
    items: UnusedIndex,
    description:
      'Largest first; what standbys read counts where the service names them. null: not known, or a standby.',
  }),
  duplicate_indexes: Type.Unsafe<string[][] | null>({
    type: ['array', 'null'],
    items: { type: 'array', items: { type: 'string' } },
    description: 'Names, with their schema, of indexes of one table that do the same work. null: as above.',
  }),
});

export const DatabaseStatus = view(
  'The databases of the service: what they count of their work, over the window of the objectives.',
  {
    service: ServiceName,
    servers: Type.Array(Server, { description: 'In the order of the spec.' }),
    timestamp: time('When this was answered.'),
  },
);
export type DatabaseStatus = Static<typeof DatabaseStatus>;

export function databaseStatus({ service, databaseServers, now }: ViewInput): DatabaseStatus {
  const seen = new Map(service.status?.postgres?.map((server) => [server.name, server]));
  return {
    service: serviceName(service),
    servers: (service.spec.postgres ?? []).map(({ name }) => {
      const { version, pendingRestart } = seen.get(name) ?? {};
      return {
        name,
        version: version ?? null,
        pending_restart: pendingRestart ?? (seen.has(name) ? [] : null),
        ...figuresOf(databaseServers.find((one) => one.name === name)),
      };
    }),
    timestamp: rfc3339(now),
  };
}

function figuresOf(server: DatabaseServerInput | undefined) {
  const { figures, observedAt, work } = server ?? {};
  const totals = figures?.state === 'Known' ? figures : undefined;
  return {
    observed_at: timeOf(observedAt),
    connections: totals?.connections ?? null,
    connections_limit: totals?.connectionsLimit ?? null,
    cache_hit_ratio: known(work?.cacheHitRatio),
    transactions_per_second: known(work?.transactionsPerSecond),
    deadlocks: work?.deadlocks ?? null,
    temp_mb: megabytes(work?.tempBytes),
    transactions_total: totals?.transactions ?? null,
    blocks_hit_total: totals?.blocksHit ?? null,
    blocks_read_total: totals?.blocksRead ?? null,
    deadlocks_total: totals?.deadlocks ?? null,
    temp_mb_total: megabytes(totals?.tempBytes),
    statistics_unknown: figures?.state === 'Unknown' ? figures.why : null,
    ...slowOf(server?.slow),
    ...idleOf(server?.idleIndexes),
  };
}

const slowOf = (slow: DatabaseServerInput['slow'] | undefined) => ({
  slow_statements:
    slow?.state === 'Known'
      ? slow.statements.map(({ text, calls, meanMs, totalMs, maxMs, minMs }) => ({
          statement: text,
          calls,
          mean_ms: tenths(meanMs),
          total_ms: tenths(totalMs),
          max_ms: tenths(maxMs),
          min_ms: tenths(minMs),
        }))
      : null,
  slow_statements_source: slow?.state === 'Known' ? slow.source : null,
  slow_statements_unknown: slow?.state === 'Unknown' ? slow.why : null,
});

const idleOf = (idle: DatabaseServerInput['idleIndexes']) => ({
  unused_indexes:
    idle?.unused.map(({ name, since, sizeBytes }) => ({
      index: name,
      size_mb: megabytes(sizeBytes),
      unread_since: rfc3339(since),
    })) ?? null,
  duplicate_indexes: idle?.twins.map((names) => [...names]) ?? null,
});

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
