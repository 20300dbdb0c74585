import { describe, expect, test } from '@jest/globals';
import type { Metric } from '../../../../operator/api/measure.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import {
  limitInForce,
  mayLower,
  nextLimit,
  oneHigher,
  oneLower,
  withRaisedLimits,
  type Raise,
} from '../../../../operator/decide/optimizer/raise.ts';
import { resolveDefaults } from '../../../../operator/decide/resolve.ts';
import { storedService } from '../../../world/builders.ts';
import { now, rowMs, rowsOf, same } from './made-rows.ts';

const mi = 2 ** 20;
const { resources } = effectivePolicy({}).policy; // limits.memory 2Gi
const steps = [
  { rule: 'raise', bytes: 2304 * mi },
  { rule: 'raise', bytes: 2560 * mi },
];
const raise: Raise = { steps, changedAt: now - 300_000, waitMs: 300_000 };

describe('the limit in force', () => {
  test('is what is declared, and the newest step where that is more', () => {
    expect(limitInForce(resources)).toBe(2048 * mi);
    expect(limitInForce(resources, raise)).toBe(2560 * mi);
    expect(limitInForce(resources, oneLower(raise, now))).toBe(2304 * mi);
    expect(limitInForce({ limits: { ...resources.limits, memory: '4Gi' } }, raise)).toBe(4096 * mi);
  });

  test.each([
    { name: 'a step', bounds: { step: 256, max: 1024 }, from: 512, is: 768 },
    { name: 'as far as its bounds', bounds: { step: 256, max: 700 }, from: 512, is: 700 },
    { name: 'no step at its bounds', bounds: { step: 256, max: 512 }, from: 512, is: undefined },
    { name: 'no step above them', bounds: { step: 256, max: 500 }, from: 512, is: undefined },
    { name: 'no step without bounds', bounds: undefined, from: 512, is: undefined },
  ])('is raised by $name', ({ bounds, from, is }) => {
    expect(nextLimit({ ...(bounds && { bounds }) }, from)).toBe(is);
  });

  test('is what the levers plan by, of just the component that is named', () => {
    const component = (name: string) => ({ name, targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } });
    const resolved = resolveDefaults({
      service: storedService({ spec: { components: [component('first'), component('other')] } }),
      targets: new Map(['first', 'other'].map((name) => [name, { kind: 'found', replicas: 2, selector: [] }])),
      podsMetrics: 'Shadow',
    });
    const limits = withRaisedLimits(resolved, { first: raise }).components.map(
      ({ policy }) => policy.resources.limits.memory,
    );
    expect(limits).toEqual(['2560Mi', '2Gi']);
    expect(withRaisedLimits(resolved, { first: { ...raise, steps: [] } })).toBe(resolved);
  });

  test('is given back later where it is needed again soon', () => {
    const again = oneHigher(oneLower(raise, now), { rule: 'raise', bytes: 2560 * mi, now });
    expect(again).toEqual({ steps, changedAt: now, waitMs: 600_000 });
  });
});

describe('mayLower() from 2560Mi to 2304Mi', () => {
  const percent = { metric: 'memoryPercent', operator: 'GreaterThan', value: 90 } as const;
  test.each<{
    readonly name: string;
    /** Mi of the Pod that uses most. */
    readonly used: number;
    readonly rule?: { readonly metric: Metric; readonly operator: 'GreaterThan'; readonly value: number } | null;
    readonly percents?: number;
    readonly given?: Partial<Raise>;
    readonly is: boolean;
  }>([
    { name: 'with room below it and no pressure there', used: 1600, percents: 62.5, is: true },
    { name: 'not with 80 % of it in use', used: 1844, percents: 50, is: false },
    { name: 'not where the same use would be 80 % of the rule’s value again', used: 1000, percents: 65, is: false },
    {
      name: 'not in the last millisecond of its wait',
      used: 1000,
      percents: 10,
      given: { changedAt: now - 299_999 },
      is: false,
    },
    { name: 'of a rule that is gone, with room', used: 1600, percents: 99, rule: null, is: true },
    { name: 'not of one that is gone, without', used: 1900, percents: 10, rule: null, is: false },
    { name: 'not while nothing is known of what is used', used: NaN, percents: 10, is: false },
  ])('$name', ({ used, percents = NaN, rule = percent, given, is }) => {
    const rows = rowsOf({ memory: same(used * mi, 60), memoryPercent: same(percents, 60) });
    const answer = mayLower({ resources, raise: { ...raise, ...given }, rule: rule ?? undefined, rows, rowMs, now });
    expect(answer).toBe(is);
  });
});
