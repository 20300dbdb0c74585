import { describe, expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { ageText, explanationText } from '../../../operator/cli/explain.ts';
import { explanationOf, type SeenEvent } from '../../../operator/cli/explanation.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const service = (status: GenerationServiceStatus | undefined): GenerationService => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: {
    name: 'generation',
    namespace: 'ai',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    mode: 'Enforce',
    deletionPolicy: 'Retain',
    components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' } }],
  },
  ...(status === undefined ? {} : { status }),
});
const page = (status: GenerationServiceStatus | undefined, events: readonly SeenEvent[] | undefined = []): string =>
  explanationText(explanationOf(service(status), events), now);
const condition = (type: string, status: 'True' | 'False', reason: string) => ({
  type,
  status,
  reason,
  message: `why ${type}`,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
});
const decision = {
  action: 'ScaleUp',
  from: 2,
  to: 4,
  reason: 'LoadHigh',
  message: 'requests_per_second is 90, target 20',
  time: '2026-01-01T00:50:00Z',
};
const replicas = { current: 4, min: 2, floor: 4, max: 20 };
const busy: GenerationServiceStatus = {
  mode: 'Enforce',
  policy: { name: 'standard' },
  components: [{ name: 'workflow', replicas, decision }],
  objectives: [
    { name: 'Memory', state: 'NotMet', target: '2Gi', measured: '2.1Gi', since: '2026-01-01T00:57:00Z' },
    { name: 'SuccessRatio', state: 'Met', target: '0.95', measured: '1' },
  ],
  conditions: [
    condition('Ready', 'True', 'Reconciled'),
    condition('RedisApplied', 'False', 'Unreachable'),
    condition('Stalled', 'True', 'Conflict'),
  ],
};

test('the whole page', () => {
  const events = [
    { type: 'Normal', reason: 'FloorRaised', note: 'workflow: floor 2 → 3', eventTime: '2026-01-01T00:10:00Z' },
    {
      type: 'Warning',
      reason: 'DriftRepaired',
      note: 'cache: hz',
      eventTime: '2026-01-01T00:20:00Z',
      series: { count: 3, lastObservedTime: '2026-01-01T00:59:00Z' },
    },
  ];
  expect(page(busy, events)).toBe(`ai/generation   Ready (Reconciled)   mode Enforce   policy standard

workflow
  replicas  4 now, floor 4, 2 to 20
  bounds    the scaler has raised the floor from 2 to 4; at most 20, by the policy; the floor is reached: no less will be
  decision  ScaleUp 2 → 4, 10m ago (2026-01-01T00:50:00Z)
  reason    LoadHigh: requests_per_second is 90, target 20

Objectives not met
  ❌ Memory  2.1Gi  target 2Gi    for 3m

Conditions that tell of something amiss
  RedisApplied  False  Unreachable  for 60m  why RedisApplied
  Stalled       True   Conflict     for 60m  why Stalled

Events, newest first
  60s ago  Warning  DriftRepaired ×3  cache: hz
  50m ago  Normal   FloorRaised       workflow: floor 2 → 3

Not recorded
  when the next decision may come
  decisions that changed nothing, and what each decision was made from beyond its message
`);
});

describe('what is not written down is said to be so', () => {
  test('of a service that nobody has looked at yet', () => {
    const text = page(undefined);
    expect(text).toMatch(/^ai\/generation {3}not looked at yet {3}mode Enforce {3}policy defaults\n/);
    expect(text).toMatch(/\nworkflow\n +bounds +not known: .*\n +decision +none that changed something is recorded\n/);
    expect(text).toMatch(/\nNot recorded\n +any decision on workflow so far\n +when the next decision may come\n/);
    expect(text).toMatch(/Events of late: the cluster keeps them for about an hour\n$/);
  });

  test('of Events that may not be read', () => {
    expect(explanationOf(service(busy), undefined).events).toBeNull();
    const denied = explanationText(explanationOf(service(busy), undefined), now);
    expect(denied).toMatch(/\n {2}Events: you may not list them\n$/);
  });
});

test.each([
  { next: '2026-01-01T01:05:00Z', says: 'not before 2026-01-01T01:05:00Z, in 5m' },
  { next: '2026-01-01T00:59:00Z', says: 'may come at any time' },
])('the next decision $says', ({ next, says }) => {
  const components = [{ name: 'workflow', replicas, decision: { ...decision, nextEligibleTime: next } }];
  const text = page({ ...busy, components });
  expect(text).toContain(`\n  next      ${says}\n`);
  expect(text).not.toContain('when the next decision may come');
});

test.each([
  {
    bounds: { current: 2, min: 2, floor: 2, max: 20 },
    says: /^the floor is the least that is declared, 2; at most 20, by the policy; the floor is reached/,
  },
  { bounds: { current: 20, min: 2, floor: 2, max: 20 }, says: /; that is reached: no more will come$/ },
  { bounds: { current: 5, min: 2, floor: 2, max: 8, boundBy: 'a budget' }, says: /; at most 8, by a budget$/ },
])('what bounds replicas: $says', ({ bounds, says }) => {
  const { components } = explanationOf(service({ components: [{ name: 'workflow', replicas: bounds }] }), []);
  expect(components[0]?.bounds).toMatch(says);
});

test.each([
  { ms: -5, text: '0s' },
  { ms: 119_000, text: '119s' },
  { ms: 120_000, text: '2m' },
  { ms: 7_200_000, text: '2h' },
  { ms: 172_800_000, text: '2d' },
])('an age of $ms ms is $text', ({ ms, text }) => {
  expect(ageText(ms)).toBe(text);
});
