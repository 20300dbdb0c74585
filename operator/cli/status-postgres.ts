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
  { name, version, pendingRestart = [], indexes = [], connections }: Postgres,
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
  return table([[name, seen, says.join('; ')]], '  ') + table(rows, '    ') + table(indexes.map(indexRow), '    ');
}

const indexRow = ({
  name,
  state,
  phase = '',
  percent,
  used,
}: NonNullable<Postgres['indexes']>[number]): readonly string[] => [
  `index ${name}`,
  state,
  used === false ? 'not read yet' : percent === undefined ? phase : `${phase}, ${percent} %`,
];

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
