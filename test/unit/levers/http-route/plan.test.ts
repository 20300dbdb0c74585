import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import {
  plan,
  restore,
  type HttpRouteObserved,
  type HttpRouteUnit,
} from '../../../../operator/levers/http-route/plan.ts';
import type { BackendRef } from '../../../../operator/levers/http-route/route.ts';
import { weightsOf } from '../../../../operator/levers/http-route/weights.ts';

const ref = (name: string, weight?: number, more: Partial<BackendRef> = {}): BackendRef => ({
  name,
  ...(weight === undefined ? {} : { weight }),
  ...more,
});
const capacities = (of: Readonly<Record<string, number>>) => new Map(Object.entries(of));

describe('weightsOf()', () => {
  interface Row {
    readonly name: string;
    readonly refs: readonly BackendRef[];
    readonly of: Readonly<Record<string, number>>;
    readonly to: readonly number[];
  }
  test.each<Row>([
    { name: 'shares a hundred by capacity', refs: [ref('a'), ref('b')], of: { a: 2, b: 1 }, to: [67, 33] },
    {
      name: 'leaves shares that are right as they stand',
      refs: [ref('a', 2), ref('b', 1)],
      of: { a: 2, b: 1 },
      to: [2, 1],
    },
    {
      name: 'leaves what is off by no more than a tenth: 50 of 54',
      refs: [ref('a', 50), ref('b', 50)],
      of: { a: 54, b: 46 },
      to: [50, 50],
    },
    {
      name: 'moves what is off by more: 50 of 56',
      refs: [ref('a', 50), ref('b', 50)],
      of: { a: 56, b: 44 },
      to: [56, 44],
    },
    {
      name: 'leaves what others have: ours share the 80 that ours had',
      refs: [ref('x', 20), ref('a', 40), ref('b', 40)],
      of: { a: 3, b: 1 },
      to: [60, 20],
    },
    {
      name: 'sends nothing where nobody is Ready',
      refs: [ref('a', 67), ref('b', 33)],
      of: { a: 2, b: 0 },
      to: [100, 0],
    },
    {
      name: 'brings one back that is Ready again',
      refs: [ref('a', 100), ref('b', 0)],
      of: { a: 99, b: 1 },
      to: [99, 1],
    },
    { name: 'does nothing where nobody at all is Ready', refs: [ref('a'), ref('b')], of: { a: 0, b: 0 }, to: [] },
    { name: 'does nothing where there is one to choose from', refs: [ref('a'), ref('x')], of: { a: 2, b: 1 }, to: [] },
    {
      name: 'takes no Service of another namespace, nor another kind, for ours',
      refs: [ref('a'), ref('b', 1, { namespace: 'other' }), ref('b', 1, { group: 'x.io', kind: 'Bucket' })],
      of: { a: 2, b: 1 },
      to: [],
    },
  ])('$name', ({ refs, of, to }) => {
    const weighed = weightsOf({ refs, namespace: 'ai', capacities: capacities(of), deadBandPercent: 10 });
    expect(weighed.map((one) => one.to)).toEqual(to);
  });

  test('gives away just what there is, and something to whoever has a Ready Pod', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(200), fc.nat(100)), { minLength: 2, maxLength: 16 }), (all) => {
        const refs = all.map(([weight], index) => ref(`s${index}`, weight));
        const of = Object.fromEntries(all.map(([, capacity], index) => [`s${index}`, capacity]));
        const weighed = weightsOf({ refs, namespace: 'ai', capacities: capacities(of), deadBandPercent: 0 });
        if (weighed.every(({ from, to }) => from === to)) return;
        expect(weighed.reduce((sum, { to }) => sum + to, 0)).toBe(100);
        for (const { service, to } of weighed) expect(to > 0).toBe((of[service] ?? 0) > 0);
      }),
    );
  });
});

const unit: HttpRouteUnit = {
  name: 'generation',
  mode: 'Enforce',
  namespace: 'ai',
  routeName: 'generation',
  backends: ['a', 'b'].map((service) => ({ service, selector: [] })),
  weights: { mode: 'Equal', deadBandPercent: 10 },
};
const seen = (
  refs: readonly BackendRef[],
  of: Readonly<Record<string, number>> = { a: 2, b: 1 },
): HttpRouteObserved => ({
  kind: 'seen',
  uid: 'r',
  rules: [[ref('x')], refs],
  capacities: capacities(of),
});
const planned = (observed: HttpRouteObserved, memory?: UnitMemory) => plan({ unit, observed, memory, now: 0 });
const [a, b] = ['rules[1].backendRefs[0].weight (a)', 'rules[1].backendRefs[1].weight (b)'] as const;
const memory = { originals: { [a]: '1', [b]: '1' }, applied: { [a]: '67', [b]: '33' } };

describe('plan()', () => {
  test('patches just the weights, only where the same Service still stands there, and remembers what stood there', () => {
    expect(planned(seen([ref('a'), ref('b')]))).toMatchObject({
      condition: { status: 'True', reason: 'Applied' },
      changes: [
        {
          cause: 'Declared',
          differences: [
            { field: a, from: '1', to: '67' },
            { field: b, from: '1', to: '33' },
          ],
          operations: [
            { op: 'test', path: '/metadata/uid', value: 'r' },
            { op: 'test', path: '/spec/rules/1/backendRefs/0/name', value: 'a' },
            { op: 'add', path: '/spec/rules/1/backendRefs/0/weight', value: 67 },
            { op: 'test', path: '/spec/rules/1/backendRefs/1/name', value: 'b' },
            { op: 'add', path: '/spec/rules/1/backendRefs/1/weight', value: 33 },
          ],
          remember: memory,
        },
      ],
    });
    expect(planned(seen([ref('a', 67), ref('b', 33)]), memory).changes).toEqual([]);
  });

  test('tells drift from other Pods, and keeps what stood there first', () => {
    const edited = planned(seen([ref('a', 5), ref('b', 95)]), memory);
    expect(edited.changes).toMatchObject([{ cause: 'Drift', remember: memory }]);
    const fewer = planned(seen([ref('a', 67), ref('b', 33)], { a: 1, b: 1 }), memory);
    expect(fewer.changes).toMatchObject([{ cause: 'Declared', remember: { originals: memory.originals } }]);
  });

  test.each<{ name: string; observed: HttpRouteObserved; says: RegExp }>([
    {
      name: 'no Gateway API',
      observed: { kind: 'absent' },
      says: /^saw an API server without gateway.*install the Gateway API/,
    },
    {
      name: 'no such route',
      observed: { kind: 'missing' },
      says: /^saw no HTTPRoute ai\/generation; wanted .*create it/,
    },
    {
      name: 'nothing to choose from',
      observed: seen([ref('a')]),
      says: /^saw no rule of HTTPRoute ai\/generation with two backendRefs of a, b/,
    },
    {
      name: 'nothing to choose from where nobody is Ready either',
      observed: seen([ref('a')], { a: 0, b: 0 }),
      says: /^saw no rule of HTTPRoute/,
    },
  ])('says of $name', ({ observed, says }) => {
    const { changes, condition } = planned(observed);
    expect({ changes, condition }).toEqual({
      changes: [],
      condition: { status: 'False', reason: 'RouteUnusable', message: expect.stringMatching(says) },
    });
  });

  test('leaves the weights where no Pod is Ready, and says so', () => {
    for (const elsewhere of [{}, { c: 2 }]) {
      const { changes, condition } = planned(seen([ref('a'), ref('b')], { a: 0, b: 0, ...elsewhere }));
      expect(changes).toEqual([]);
      expect(condition.message).toContain('stay as they are');
    }
  });
});

test('restore() puts back what is still ours', () => {
  const given = { unit, observed: seen([ref('a', 67), ref('b', 40)]), memory, now: 0 };
  expect(restore(given).changes).toMatchObject([{ differences: [{ field: a, from: '67', to: '1' }] }]);
  expect(restore({ ...given, observed: { kind: 'missing' } }).changes).toEqual([]);
});
