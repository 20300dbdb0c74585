import type { GenerationServiceStatus } from '../api/status.ts';
import { rememberedNodes, type NodeMemory } from '../levers/redis/node-memory.ts';
import type { LeverMemory } from '../levers/run.ts';
import { table } from './table.ts';

type Redis = NonNullable<GenerationServiceStatus['redis']>[number];

/** Each server with the settings in force at the last visit, and what stood there before the first. Forbidden: the state may not be read. */
export function redisText(
  { redis: servers = [], mode, conditions = [] }: GenerationServiceStatus,
  memory: LeverMemory | 'Forbidden',
): string {
  const unseen = memory === 'Forbidden' && servers.length > 0 ? `  ${forbidden}\n` : '';
  // The policy may say DryRun of Redis alone, which only its condition tells.
  const isOnlySaid =
    (mode ?? 'Enforce') !== 'Enforce' ||
    conditions.some(({ type, reason }) => type === 'RedisApplied' && reason === 'DryRun');
  const known = memory === 'Forbidden' ? {} : memory;
  return servers.map((server) => serverText(server, { memory: known, isOnlySaid })).join('') + unseen;
}

export const forbidden = 'you may not read the ConfigMap with what was set; genops diff shows what differs';

function serverText(
  { name, server = '', version = '', drifted = 0, pendingRestart = [], ...rest }: Redis,
  { memory, isOnlySaid }: { readonly memory: LeverMemory; readonly isOnlySaid: boolean },
): string {
  const settings = settingsOf(Object.entries(rememberedNodes(memory[`redis/${name}`])));
  const says = [
    ...nodesText(rest),
    ...(drifted > 0 && isOnlySaid ? differingText(settings, drifted) : inForceText(settings, drifted)),
    ...(pendingRestart.length === 0 ? [] : [`waits for a restart: ${pendingRestart.join(', ')}`]),
  ];
  return (
    table([[name, `${server} ${version}`.trim() || 'not looked at yet', says.join('; ')]], '  ') +
    settings
      .map(({ on, rows }) => (settings.length === 1 ? '' : `    on ${on.join(', ')}:\n`) + table(rows, '    '))
      .join('')
  );
}

type Settings = ReturnType<typeof settingsOf>;

function inForceText(settings: Settings, drifted: number): readonly string[] {
  const most = Math.max(0, ...settings.map(({ rows }) => rows.length));
  return [
    ...(most === 0 ? [] : [`${most} settings in force`]),
    ...(drifted === 0 ? [] : [`${drifted} put back at the last visit`]),
  ];
}

/** @param drifted On all nodes together, and so is what it is of. */
function differingText(settings: Settings, drifted: number): readonly string[] {
  const all = settings.reduce((sum, { on, rows }) => sum + on.length * rows.length, 0);
  const differs = `${drifted} ${drifted === 1 ? 'differs' : 'differ'} (see RedisApplied`;
  return [
    all === 0 ? `${differs})` : `${all - drifted} of ${all} settings in force, ${differs}; below is what was set last)`,
  ];
}

function nodesText({ topology, nodes = 1, pendingNodes = 0 }: Partial<Redis>): readonly string[] {
  if (topology === undefined || topology === 'Standalone') return [];
  const pending = pendingNodes === 0 ? '' : `, ${pendingNodes} of them not answering`;
  return [`${topology}, ${nodes} node${nodes === 1 ? '' : 's'}${pending}`];
}

/** The settings of each node; of those that have the same, once. */
function settingsOf(nodes: readonly (readonly [address: string, memory: NodeMemory])[]) {
  const alike = Map.groupBy(nodes, ([, memory]) => JSON.stringify(settingRows(memory)));
  return [...alike.values()].flatMap((same) => {
    const [first] = same;
    return first === undefined ? [] : [{ on: same.map(([address]) => address), rows: settingRows(first[1]) }];
  });
}

/** Parameter, what it is, what it was. What is only intended is not in force. */
function settingRows({ applied = {}, originals = {}, unconfirmed = [] }: NodeMemory): readonly (readonly string[])[] {
  return Object.entries(applied)
    .filter(([field]) => !unconfirmed.includes(field))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([field, value]) => {
      const before = originals[field];
      return [field, shown(value), before === undefined ? 'as it was' : `was ${shown(before ?? '')}`];
    });
}

const shown = (value: string): string => (value === '' ? '""' : value);
