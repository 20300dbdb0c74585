import { describe, expect, test } from '@jest/globals';
import type { LeverName } from '../../../operator/api/lever-names.ts';
import type { Difference, UnitMemory } from '../../../operator/levers/lever.ts';
import { changedOn } from '../../../operator/reconcilers/changed-on.ts';

const originals = { maxmemory: '0', 'maxmemory-policy': null };
const applied = { maxmemory: '1073741824' };
const back = [
  { field: 'maxmemory', from: '1073741824', to: '0' },
  { field: 'maxmemory-policy', to: 'nothing' },
];
const hpa = { originals: { uid: 'a', spec: '{"minReplicas":2}' }, applied: {} };

interface Row {
  readonly name: string;
  readonly lever: LeverName;
  readonly memory: UnitMemory | undefined;
  readonly expected: readonly Difference[];
}

describe('changedOn()', () => {
  test.each<Row>([
    {
      name: 'names the values of a server, with what they are since',
      lever: 'redis',
      memory: { originals, applied, serverRun: 'a', address: 'cache:6379' },
      expected: back,
    },
    {
      name: 'names them also of one that was switched Off, whose address is forgotten',
      lever: 'redis',
      memory: { originals, applied },
      expected: back,
    },
    {
      name: 'of a PostgreSQL that was switched Off too',
      lever: 'postgresql',
      memory: { originals: { work_mem: '4MB' }, applied: { work_mem: '16MB' } },
      expected: [{ field: 'work_mem', from: '16MB', to: '4MB' }],
    },
    {
      name: 'names each node',
      lever: 'redis',
      memory: { nodes: { 'a:6379': { originals, applied } } },
      expected: back.map(({ field, ...one }) => ({ field: `${field}@a:6379`, ...one })),
    },
    { name: 'names nothing of an object of the cluster', lever: 'horizontal', memory: hpa, expected: [] },
    { name: 'names nothing where nothing was changed', lever: 'redis', memory: undefined, expected: [] },
  ])('$name', ({ lever, memory, expected }) => {
    expect(changedOn(lever, memory)).toEqual(expected);
  });
});
