import { describe, expect, test } from '@jest/globals';
import { steadyLoadBalancer, steadyObjectives, steadyRating } from '../../../operator/decide/steady.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
type Objective = Parameters<typeof steadyObjectives>[1][number];
const before: Objective = {
  name: 'Memory',
  state: 'Met',
  target: '2048Mi',
  measured: '100Mi',
  since: '2026-01-01T00:00:00Z',
  observedAt: '2026-01-01T00:50:00Z',
};

interface Row {
  readonly name: string;
  readonly before?: Partial<Objective>;
  readonly after: Partial<Objective>;
  readonly told: boolean;
}
describe('steadyObjectives()', () => {
  test.each<Row>([
    { name: 'keeps a figure within a tenth', after: { measured: '110Mi' }, told: false },
    { name: 'tells a figure beyond a tenth', after: { measured: '111Mi' }, told: true },
    {
      name: 'keeps even that within five minutes',
      before: { observedAt: '2026-01-01T00:55:01Z' },
      after: { measured: '500Mi' },
      told: false,
    },
    {
      name: 'tells a changed state at once',
      before: { observedAt: '2026-01-01T00:59:59Z' },
      after: { state: 'NotMet' },
      told: true,
    },
    {
      name: 'tells a changed target at once',
      before: { observedAt: '2026-01-01T00:59:59Z' },
      after: { target: '1Gi' },
      told: true,
    },
    { name: 'tells a figure in another unit', after: { measured: '100Gi' }, told: true },
    {
      name: 'keeps an attainment within a hundredth',
      before: { attainment: '1' },
      after: { attainment: '0.991' },
      told: false,
    },
    { name: 'tells one at a hundredth', before: { attainment: '1' }, after: { attainment: '0.99' }, told: true },
    {
      name: 'keeps even that within five minutes',
      before: { attainment: '1', observedAt: '2026-01-01T00:55:01Z' },
      after: { attainment: '0.5' },
      told: false,
    },
    { name: 'tells the first one', after: { attainment: '1' }, told: true },
  ])('$name', ({ before: changed, after, told }) => {
    const known = { ...before, ...changed };
    const next = { ...known, observedAt: '2026-01-01T00:59:59Z', ...after };
    expect(steadyObjectives([known], [next], now)).toEqual([told ? next : known]);
  });
});

test('an attainment of what is unknown is kept: only old time leaves the window', () => {
  const unknown: Objective = { name: 'Memory', state: 'Unknown', target: '2048Mi', attainment: '0.5' };
  expect(steadyObjectives([unknown], [{ ...unknown, attainment: '0.9' }], now)).toEqual([unknown]);
});

type Rating = Parameters<typeof steadyRating>[1];
const good: Rating = { grade: 'Good', score: 65, scoredOf: 100 };
const half: Rating = { grade: 'Good', score: 30, scoredOf: 50, parts: { cpu: 15, memory: 15 } };
const little: Rating = { grade: 'Unknown', score: 25, scoredOf: 25, parts: { cpu: 25 } };

const at = (secondsAgo: number): string => new Date(now - secondsAgo * 1_000).toISOString();

describe('steadyRating()', () => {
  test.each<{ name: string; before: Rating | undefined; after: Rating; told: boolean }>([
    { name: 'keeps points that only move', before: good, after: { ...good, score: 70 }, told: false },
    { name: 'tells another grade', before: good, after: { grade: 'Fair', score: 55, scoredOf: 100 }, told: true },
    { name: 'tells that less is known', before: good, after: { grade: 'Good', score: 50, scoredOf: 75 }, told: true },
    {
      name: 'tells that other parts are known, though as many',
      before: half,
      after: { ...half, parts: { memory: 15, cacheHitRatio: 15 } },
      told: true,
    },
    {
      name: 'keeps the same parts in whatever order the API server gives them back',
      before: { ...half, parts: { memory: 15, cpu: 15 } },
      after: { ...half, score: 33, parts: { cpu: 18, memory: 15 } },
      told: false,
    },
    {
      name: 'tells a grade that is lost because too little is known',
      before: half,
      after: little,
      told: true,
    },
    {
      name: 'tells that nothing is known any more',
      before: little,
      after: { grade: 'Unknown', scoredOf: 0 },
      told: true,
    },
    {
      name: 'keeps points that only move also below half',
      before: { ...little, observedAt: at(10) },
      after: { ...little, score: 15, parts: { cpu: 15 } },
      told: false,
    },
    { name: 'tells the first one', before: undefined, after: little, told: true },
    {
      name: 'tells points that left a tenth five minutes after they were told last',
      before: { ...good, observedAt: at(300) },
      after: { ...good, score: 75 },
      told: true,
    },
    {
      name: 'and not sooner',
      before: { ...good, observedAt: at(299) },
      after: { ...good, score: 75 },
      told: false,
    },
    {
      name: 'keeps points within a tenth however old they are',
      before: { ...good, score: 60, observedAt: at(86_400) },
      after: { ...good, score: 66 },
      told: false,
    },
  ])('$name', ({ before: known, after, told }) => {
    expect(steadyRating(known, after, now)).toBe(told ? after : known);
  });
});

describe('steadyLoadBalancer()', () => {
  const long = at(301);
  const nginx = { desiredHash: 'a', loadedHash: 'a', podsCurrent: 2, podsTotal: 2, weightMin: 10, weightMax: 32 };
  type LoadBalancer = Parameters<typeof steadyLoadBalancer>[1];
  test.each<{ name: string; shown: LoadBalancer | undefined; after: LoadBalancer; told: boolean }>([
    {
      name: 'keeps weights within a tenth',
      shown: { ...nginx, observedAt: long },
      after: { ...nginx, weightMax: 35 },
      told: false,
    },
    {
      name: 'tells those beyond',
      shown: { ...nginx, observedAt: long },
      after: { ...nginx, weightMax: 36 },
      told: true,
    },
    {
      name: 'tells a least weight beyond',
      shown: { ...nginx, observedAt: long },
      after: { ...nginx, weightMin: 8 },
      told: true,
    },
    {
      name: 'keeps even those within five minutes',
      shown: { ...nginx, observedAt: at(299) },
      after: { ...nginx, weightMax: 64 },
      told: false,
    },
    {
      name: 'tells them with what is served',
      shown: { ...nginx, observedAt: at(1) },
      after: { ...nginx, desiredHash: 'b' },
      told: true,
    },
    { name: 'tells the first', shown: { desiredHash: 'a' }, after: nginx, told: true },
  ])('$name', ({ shown, after, told }) => {
    const next = steadyLoadBalancer(shown, after, now);
    expect(next).toEqual(told ? { ...after, observedAt: '2026-01-01T01:00:00Z' } : shown);
  });

  test('has no time of weights where there are none', () => {
    expect(steadyLoadBalancer({ ...nginx, observedAt: long }, { desiredHash: 'a' }, now)).toEqual({ desiredHash: 'a' });
  });
});
