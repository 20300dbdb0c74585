import type { GenerationServiceStatus } from '../api/status.ts';
import { rememberedNodes, type NodeMemory } from '../levers/redis/node-memory.ts';
import type { LeverMemory } from '../levers/run.ts';
import { table } from './table.ts';

type Redis = NonNullable<GenerationServiceStatus['redis']>[number];

/** Each server with the settings in force at the last visit, and what stood there before the first. Forbidden: the state may not be read. */
export function redisText(servers: readonly Redis[], memory: LeverMemory | 'Forbidden'): string {
  const unseen = memory === 'Forbidden' && servers.length > 0 ? `  ${forbidden}\n` : '';
  return servers.map((server) => serverText(server, memory === 'Forbidden' ? {} : memory)).join('') + unseen;
}

export const forbidden = 'you may not read the ConfigMap with what was set; genops diff shows what differs';

function serverText(
  { name, server = '', version = '', drifted = 0, pendingRestart = [], ...rest }: Redis,
  memory: LeverMemory,
): string {
  const settings = settingsOf(Object.entries(rememberedNodes(memory[`redis/${name}`])));
  const most = Math.max(0, ...settings.map(({ rows }) => rows.length));
  const says = [
    ...nodesText(rest),
    ...(most === 0 ? [] : [`${most} settings in force`]),
    ...(drifted === 0 ? [] : [`${drifted} put back at the last visit`]),
    ...(pendingRestart.length === 0 ? [] : [`waits for a restart: ${pendingRestart.join(', ')}`]),
  ];
  return (
    table([[name, `${server} ${version}`.trim() || 'not looked at yet', says.join('; ')]], '  ') +
    settings
      .map(({ on, rows }) => (settings.length === 1 ? '' : `    on ${on.join(', ')}:\n`) + table(rows, '    '))
      .join('')
  );
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
