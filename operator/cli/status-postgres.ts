import type { GenerationServiceStatus } from '../api/status.ts';
import type { UnitMemory } from '../levers/lever.ts';
import type { LeverMemory } from '../levers/run.ts';
import { forbidden } from './status-redis.ts';
import { table } from './table.ts';

type Postgres = NonNullable<GenerationServiceStatus['postgres']>[number];

/** Each server with the parameters that it has, and what postgresql.auto.conf had before the first change. Forbidden: the state may not be read. */
export function postgresText(servers: readonly Postgres[], memory: LeverMemory | 'Forbidden'): string {
  const unseen = memory === 'Forbidden' && servers.length > 0 ? `  ${forbidden}\n` : '';
  return servers.map((server) => serverText(server, memory === 'Forbidden' ? {} : memory)).join('') + unseen;
}

function serverText(
  { name, version, pendingRestart = [], indexes = [], connections, slowStatements }: Postgres,
  memory: LeverMemory,
): string {
  const rows = parameterRows(memory[`postgresql/${name}`] ?? {}, new Set(pendingRestart));
  const inForce = rows.length - pendingRestart.length;
  const says = [
    ...(inForce > 0 ? [`${inForce} parameters in force`] : []),
    ...(pendingRestart.length === 0 ? [] : [`waits for a restart: ${pendingRestart.join(', ')}`]),
    ...(connections === undefined ? [] : [`may need ${connections.needed} of ${connections.available} connections`]),
  ];
  const seen = version === undefined ? 'not looked at yet' : `PostgreSQL ${version}`;
  const slow = slowStatements?.statements ?? [];
  return (
    table([[name, seen, says.join('; ')]], '  ') +
    [rows, indexes.map(indexRow), slow.map(slowRow)].map((part) => table(part, '    ')).join('')
  );
}

type Slow = NonNullable<Postgres['slowStatements']>['statements'][number];

const slowRow = ({ statement, calls, mean, max }: Slow): readonly string[] => [
  `slow: ${calls} times`,
  `${mean} on average`,
  `${max} at most`,
  statement,
];

type Index = NonNullable<Postgres['indexes']>[number];

const indexRow = (index: Index): readonly string[] => [`index ${index.name}`, index.state, saysOf(index)];

const saysOf = ({ on, partitions, phase, percent, used, gain }: Index): string =>
  [
    on,
    partitions === undefined ? undefined : `${partitions.done} of ${partitions.of} partitions`,
    phase,
    percent === undefined ? undefined : `${percent} %`,
    used === false ? 'not read yet' : undefined,
    gain,
  ]
    .filter((part) => part !== undefined)
    .join(', ');

/** Parameter, what it is or will be, what the file had. What is only intended is neither. */
function parameterRows(
  { applied = {}, originals = {}, unconfirmed = [] }: UnitMemory,
  pending: ReadonlySet<string>,
): readonly (readonly string[])[] {
  return Object.entries(applied)
    .filter(([field]) => !unconfirmed.includes(field))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([field, value]) => {
      const before = originals[field];
      const was = before === undefined ? 'as it was' : before === null ? 'was not set' : `was ${before}`;
      return [field, value, pending.has(field) ? `${was}, after a restart` : was];
    });
}
