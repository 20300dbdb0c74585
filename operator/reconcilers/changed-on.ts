import type { LeverName } from '../api/lever-names.ts';
import type { Difference, UnitMemory } from '../levers/lever.ts';

/** Levers whose originals are values of a server, which a person would set again; of an object of the cluster they are its JSON. Whether there is an address does not tell: a unit that is Off holds no server. */
const ofServers: ReadonlySet<LeverName> = new Set<LeverName>(['redis', 'postgresql']);

/** Of a server that cannot be looked at: nobody knows what of it still stands. */
export const changedOn = (lever: LeverName, memory: UnitMemory = {}): readonly Difference[] =>
  ofServers.has(lever) ? originalsOf(memory) : [];

const originalsOf = (memory: UnitMemory, at = ''): readonly Difference[] => [
  ...Object.entries(memory.originals ?? {}).map(([name, original]) => {
    const from = memory.applied?.[name];
    return { field: `${name}${at}`, ...(from !== undefined && { from }), to: original ?? 'nothing' };
  }),
  ...Object.entries(memory.nodes ?? {}).flatMap(([address, node]) => originalsOf(node, `@${address}`)),
];
