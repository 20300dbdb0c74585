import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import {
  isOver,
  mayReduce,
  oneLess,
  oneMore,
  stepText,
  withReducedWorkers,
  type Reduction,
} from '../../../../operator/decide/optimizer/reduction.ts';
import { resolveDefaults } from '../../../../operator/decide/resolve.ts';
import { storedService } from '../../../world/builders.ts';
import { now, rowMs, rowsOf, rule, same } from './made-rows.ts';

const { runtime } = effectivePolicy({}).policy;
const reduction: Reduction = { steps: ['shed'], changedAt: now - 300_000, waitMs: 300_000 };
const of = (threads: number, cpu: number) => ({
  ...runtime,
  cpuPool: { ...runtime.cpuPool, threads },
  pools: { ...runtime.pools, cpu },
});

describe('workers', () => {
  test.each([
    { name: '4 threads may be 3', threads: 4, cpu: 2, steps: [], may: true },
    { name: 'and 2', threads: 4, cpu: 2, steps: ['shed'], may: true },
    { name: 'but never less than half', threads: 4, cpu: 2, steps: ['shed', 'shed'], may: false },
    { name: 'a quarter of fewer than four is none', threads: 3, cpu: 3, steps: [], may: false },
    { name: 'one stays one', threads: 1, cpu: 1, steps: [], may: false },
    { name: 'the pool alone may be reduced', threads: 1, cpu: 4, steps: [], may: true },
  ])('$name', ({ threads, cpu, steps, may }) => {
    expect(mayReduce(of(threads, cpu), { steps })).toBe(may);
  });

  test('are told with both figures, as far as they differ', () => {
    expect(stepText(of(4, 2), 0, 1)).toBe('cpuPool.threads 4 → 3');
    expect(stepText(of(4, 2), 2, 0)).toBe('cpuPool.threads 2 → 4, pools.cpu 1 → 2');
  });

  test('are reduced of just the components that are named, and everybody plans by that', () => {
    const component = (name: string) => ({ name, targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } });
    const resolved = resolveDefaults({
      service: storedService({ spec: { components: [component('first'), component('other')] } }),
      targets: new Map(['first', 'other'].map((name) => [name, { kind: 'found', replicas: 2, selector: [] }])),
      podsMetrics: 'Shadow',
    });
    const threads = withReducedWorkers(resolved, { first: reduction }).components.map(
      ({ policy }) => policy.runtime.cpuPool.threads,
    );
    expect(threads).toEqual([3, 4]);
    expect(withReducedWorkers(resolved, { first: { ...reduction, steps: [] } })).toBe(resolved);
  });
});

describe('steps', () => {
  test('are two at most, none at least, and the one that was taken last goes back first', () => {
    const two = oneMore(oneMore(undefined, 'cpu', now), 'latency', now);
    expect(two.steps).toEqual(['cpu', 'latency']);
    expect(oneMore(two, 'third', now).steps).toEqual(['cpu', 'latency']);
    expect(oneLess(two, now).steps).toEqual(['cpu']);
    expect(oneLess(oneLess(reduction, now), now).steps).toEqual([]);
  });

  test.each([
    { name: 'at first is five minutes', before: undefined, waitMs: 300_000 },
    { name: 'stays so where more is needed', before: reduction, waitMs: 300_000 },
    {
      name: 'doubles where what was given back is needed again soon',
      before: oneLess(reduction, now - 599_999),
      waitMs: 600_000,
    },
    { name: 'but not later', before: oneLess(reduction, now - 600_000), waitMs: 300_000 },
    { name: 'is an hour at most', before: oneLess({ ...reduction, waitMs: 3_000_000 }, now), waitMs: 3_600_000 },
  ])('the wait $name', ({ before, waitMs }) => {
    expect(oneMore(before, 'shed', now)).toMatchObject({ changedAt: now, waitMs });
  });
});

describe('isOver()', () => {
  const moment = { rowMs, now };
  const calm = same(79, 60);
  test.each<{
    readonly name: string;
    readonly memory: readonly number[];
    readonly given?: Partial<Reduction>;
    readonly operator?: 'LessThan';
    readonly is: boolean;
  }>([
    { name: 'ten minutes below 80 % of the value', memory: calm, is: true },
    { name: 'not with one row at it', memory: [...calm.slice(1), 80], is: false },
    { name: 'what was before these ten minutes does not matter', memory: [200, ...calm], is: true },
    { name: 'not after nine minutes', memory: calm.slice(20), is: false },
    { name: 'not in the last millisecond of its wait', memory: calm, given: { changedAt: now - 299_999 }, is: false },
    { name: 'of what was too low: above 125 %', memory: same(126, 60), operator: 'LessThan', is: true },
    { name: 'and not below', memory: same(124, 60), operator: 'LessThan', is: false },
    { name: 'not where little is known', memory: calm.map((value, row) => (row % 2 === 0 ? NaN : value)), is: false },
  ])('$name', ({ memory, given, operator, is }) => {
    const rows = rowsOf({ memory });
    expect(
      isOver({ ...rule, operator: operator ?? 'GreaterThan' }, { ...reduction, ...given }, { ...moment, rows }),
    ).toBe(is);
  });
});
