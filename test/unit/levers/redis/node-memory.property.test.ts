import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  memoriesOf,
  rememberedNodes,
  toRemember,
  type NodeMemories,
} from '../../../../operator/levers/redis/node-memory.ts';

const address = fc.constantFrom('a:1', 'b:1', 'c:1', 'd:1', '[fd00::1]:6379');
const parameter = fc.constantFrom('maxmemory', 'maxmemory-policy', 'save', 'hz');
const values = fc.dictionary(parameter, fc.string());
const memories: fc.Arbitrary<NodeMemories> = fc
  .dictionary(
    address,
    fc.record({ applied: values, originals: values, serverRun: fc.string(), left: fc.uniqueArray(parameter) }),
  )
  .map((nodes) =>
    Object.fromEntries(
      Object.entries(nodes).map(([at, { left, ...node }]) => [
        at,
        { ...node, address: at, ...(left.length === 0 ? {} : { unconfirmed: left.toSorted() }) },
      ]),
    ),
  );

test('what was written down of nodes is read as it was, of one alone too, with every field where it belongs', () => {
  fc.assert(
    fc.property(memories, address, (nodes, alone) => {
      const present = new Set(Object.keys(nodes));
      for (const where of [{ of: 'sentinel:2/mymaster' }, ...(alone in nodes ? [{ alone }] : [])])
        expect(sorted(rememberedNodes(toRemember(nodes, present, where)))).toEqual(sorted(nodes));
    }),
  );
});

test('no memory goes to two nodes, and one that a node has by its process or address goes to no other', () => {
  fc.assert(
    fc.property(
      memories,
      fc.uniqueArray(fc.record({ serverId: fc.string(), address }), { selector: (one) => one.address }),
      (nodes, found) => {
        const present = new Set(found.map((one) => one.address));
        const taken = [...memoriesOf(found, nodes, present)];
        expect(new Set(taken.map(([, { key }]) => key)).size).toBe(taken.length);
        for (const [at, { key, memory }] of taken) {
          const node = found.find((one) => one.address === at);
          const isOwn = memory.serverRun === node?.serverId || key === at;
          expect(isOwn || ![...present].some((one) => one === key)).toBe(true);
        }
      },
    ),
  );
});

const sorted = (nodes: NodeMemories) =>
  Object.fromEntries(
    Object.entries(nodes).map(([at, { unconfirmed, ...node }]) => [
      at,
      { ...node, ...(unconfirmed && { unconfirmed: unconfirmed.toSorted() }) },
    ]),
  );
