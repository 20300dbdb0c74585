import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { ageText } from '../../../operator/cli/age.ts';
import { explanationText } from '../../../operator/cli/explain.ts';
import { explanationOf, type Seen } from '../../../operator/cli/explanation.ts';
import { storedService } from '../../world/builders.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const spec = {
  components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' } }],
};
const service = (status: GenerationServiceStatus | undefined, policyRef = { name: 'standard' }) =>
  storedService({ spec: { ...spec, ...(status?.policy && { policyRef }) }, ...(status && { status }) });
const silent = { kind: 'silent', why: 'it says nothing' } as const;
const page = (status: GenerationServiceStatus | undefined, seen: Partial<Seen> = {}): string =>
  explanationText(explanationOf(service(status), { events: [], decisions: silent, ...seen }), now);
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
  const input = {
    metric: 'requests_per_second',
    source: 'Pods',
    perPod: 42.5,
    target: 20,
    asksFor: 5,
    podsMeasured: 2,
    podsMissing: 1,
    observedAt: '2026-01-01T00:49:56Z',
  };
  const made = {
    ...decision,
    component: 'workflow',
    inputs: [input],
    terms: [
      { name: 'arrivals', value: 2.0049, unit: 'requests/s', means: 'of all Pods', observedAt: '2026-01-01T00:49:58Z' },
      { name: 'up: cpu', value: null, unit: '%', means: 'is missing', observedAt: null },
    ],
    heldBy: 'ScaleUpRate',
    score: null,
    lookahead: null,
    nextEligibleTime: '2026-01-01T00:51:00Z',
  } as const;
  const newest = {
    ...made,
    action: 'Hold',
    reason: 'Stabilizing',
    message: 'held',
    from: 4,
    time: '2026-01-01T00:59:58Z',
    terms: [{ name: 'ratio', value: 0.5, unit: '', means: 'of all', observedAt: null }],
    inputs: [{ ...input, perPod: 5, asksFor: 1, podsMissing: 0, observedAt: '2026-01-01T00:59:50Z' }],
    heldBy: 'ScaleDownStabilization',
    nextEligibleTime: '2026-01-01T01:04:00Z',
  } as const;
  const view = { decisions: [made], newestDecisions: [newest], weights: [] };
  const status = {
    ...busy,
    components: [{ name: 'workflow', replicas, decision: { ...decision, nextEligibleTime: made.nextEligibleTime } }],
  };
  expect(page(status, { events, decisions: { kind: 'said', view } }))
    .toBe(`ai/generation   Ready (Reconciled)   mode Enforce   policy standard

workflow
  replicas  4 now, floor 4, 2 to 20
  bounds    the scaler has raised the floor from 2 to 4; at most 20, by the policy; the floor is reached: no less will be
  decision  ScaleUp 2 → 4, 10m ago (2026-01-01T00:50:00Z)
  reason    LoadHigh: requests_per_second is 90, target 20
  input     requests_per_second by Pods: 42.5 a Pod of 2, 1 without, 4s old; at 20 a Pod that asks for 5
  term      arrivals 2 requests/s: of all Pods, 2s old
  term      up: cpu not known: is missing
  held by   ScaleUpRate
  next      may come at any time
  now       Hold at 4, 2s ago
  reason    Stabilizing: held
  input     requests_per_second by Pods: 5 a Pod of 2, 8s old; at 20 a Pod that asks for 1
  term      ratio 0.5: of all
  held by   ScaleDownStabilization
  next      not before 2026-01-01T01:04:00Z, in 4m

Objectives not met
  ❌ Memory  2.1Gi  target 2Gi    for 3m

Conditions that tell of something amiss
  RedisApplied  False  Unreachable  for 60m  why RedisApplied
  Stalled       True   Conflict     for 60m  why Stalled

Events, newest first
  60s ago  Warning  DriftRepaired ×3  cache: hz
  50m ago  Normal   FloorRaised       workflow: floor 2 → 3
`);
});

describe('what is not written down is said to be so', () => {
  test('of a service that nobody has looked at yet', () => {
    const text = page(undefined);
    expect(text).toMatch(/^ai\/generation {3}not looked at yet {3}mode Enforce {3}policy defaults\n/);
    expect(text).toMatch(/\nworkflow\n +bounds +not known: .*\n +decision +none that changed something is recorded\n/);
    expect(text).toMatch(/\nNot recorded\n +any decision on workflow so far\n/);
    expect(text).toMatch(/Events of late: the cluster keeps them for about an hour\n$/);
  });

  test('of Events that may not be read', () => {
    const seen = { events: undefined, decisions: silent };
    expect(explanationOf(service(busy), seen).events).toBeNull();
    expect(page(busy, seen)).toMatch(/\n {2}Events: you may not list them\n$/);
  });

  test('of an operator that does not say what decisions were made from, with the reason', () => {
    const text = page(busy);
    expect(text).toContain('\n  decisions that changed nothing, and what each was made from: it says nothing\n');
    expect(text).not.toMatch(/\n +(input|held by|now) /);
  });

  test('of a decision that status has not heard of yet: the operator’s is told, and nothing of the one before', () => {
    const [component, heldBy, nextEligibleTime] = ['workflow', null, '2026-01-01T01:05:00Z'] as const;
    const fresh = { component, action: 'ScaleDown', from: 4, to: 3, reason: 'LoadLow', message: 'calm', heldBy };
    const made = {
      ...fresh,
      time: '2026-01-01T00:59:00Z',
      inputs: [],
      terms: [],
      score: null,
      lookahead: null,
      nextEligibleTime,
    };
    const text = page(busy, {
      decisions: { kind: 'said', view: { decisions: [made], newestDecisions: [made], weights: [] } },
    });
    expect(text).toMatch(/\n +decision +ScaleDown 4 → 3, 60s ago .*\n +reason +LoadLow: calm\n +next +not before/);
    expect(text).not.toContain('LoadHigh');
    const unheard = page(
      { ...busy, components: [{ name: 'workflow' }] },
      { decisions: { kind: 'said', view: { decisions: [made], newestDecisions: [], weights: [] } } },
    );
    expect(unheard).not.toContain('any decision on workflow so far');
  });

  test('of a decision that the process before this one has made', () => {
    const [component, inputs, terms, heldBy, nextEligibleTime] = ['workflow', null, null, null, null] as const;
    const kept = { ...decision, component, inputs, terms, heldBy, score: null, lookahead: null, nextEligibleTime };
    const view = { decisions: [kept], newestDecisions: [], weights: [] };
    const text = page(busy, { decisions: { kind: 'said', view } });
    expect(text).toMatch(/\n +reason +LoadHigh: .*\n +next +not recorded\n/);
    expect(text).not.toContain('what each was made from');
  });
});

test('the policy is the one that the spec names, beside the one in force', () => {
  const { policy } = explanationOf(service(busy, { name: 'standrad' }), { events: [], decisions: silent });
  expect(policy).toBe('standrad (in force is standard)');
});

test('the newest decision is told beside the last one also where both were made in one second, and once where it is that one', () => {
  const [component, inputs, terms, heldBy, nextEligibleTime] = ['workflow', [], [], null, null] as const;
  const made = { ...decision, component, inputs, terms, heldBy, score: null, lookahead: null, nextEligibleTime };
  const newest = { ...made, from: 4, to: 5, heldBy: 'DryRun' as const };
  const told = (last: typeof made | typeof newest) =>
    page(busy, { decisions: { kind: 'said', view: { decisions: [made], newestDecisions: [last], weights: [] } } });
  expect(told(newest)).toMatch(/\n +now +ScaleUp 4 → 5, /);
  expect(told({ ...made })).not.toMatch(/\n +now /);
});

test.each([
  { next: '2026-01-01T01:05:00Z', says: 'not before 2026-01-01T01:05:00Z, in 5m' },
  { next: '2026-01-01T00:59:00Z', says: 'may come at any time' },
])('the next decision $says', ({ next, says }) => {
  const components = [{ name: 'workflow', replicas, decision: { ...decision, nextEligibleTime: next } }];
  expect(page({ ...busy, components })).toContain(`\n  next      ${says}\n`);
});

test('where only a hand ends what holds a floor, no time is made up', () => {
  const paused = {
    ...decision,
    component: 'workflow',
    time: '2026-01-01T00:59:58Z',
    inputs: [],
    terms: [],
    heldBy: 'Paused',
    score: null,
    lookahead: null,
    nextEligibleTime: null,
  } as const;
  const view = { decisions: [], newestDecisions: [paused], weights: [] };
  expect(page(busy, { decisions: { kind: 'said', view } })).toMatch(
    /\n +held by +Paused\n +next +when Paused is over: time alone does not end it\n/,
  );
});

test.each([
  {
    bounds: { current: 2, min: 2, floor: 2, max: 20 },
    says: /^the floor is the least that is declared, 2; at most 20, by the policy; the floor is reached/,
  },
  { bounds: { current: 20, min: 2, floor: 2, max: 20 }, says: /; that is reached: no more will come$/ },
  { bounds: { current: 5, min: 2, floor: 2, max: 8, boundBy: 'a budget' }, says: /; at most 8, by a budget$/ },
])('what bounds replicas: $says', ({ bounds, says }) => {
  const { components } = explanationOf(service({ components: [{ name: 'workflow', replicas: bounds }] }), {
    events: [],
    decisions: silent,
  });
  expect(components[0]?.bounds).toMatch(says);
});

describe('bounds that somebody else holds', () => {
  const foreign = { current: 2, min: 2, floor: 1, max: 20 };
  const conflict = (message: string) => [{ ...condition('HorizontalApplied', 'False', 'Conflict'), message }];
  const own = 'saw HorizontalPodAutoscaler ai/own for Deployment w';

  test('are told as such, and no figure of the policy that is not in force', () => {
    const text = page({
      components: [{ name: 'workflow', replicas: foreign }],
      conditions: conflict(`${own}; wanted it to be ours`),
    });
    expect(text).toContain(`\n  replicas  2 now\n  bounds    not ours (Conflict): ${own}\n`);
  });

  test('are told of the component that the condition names, and of no other', () => {
    const names = ['other', 'third', 'workflow'];
    const told = storedService({
      spec: { components: spec.components.flatMap((one) => names.map((name) => ({ ...one, name }))) },
      status: {
        components: names.map((name) => ({ name, replicas: foreign })),
        conditions: conflict(`other: ${own} | third: saw it too`),
      },
    });
    const { components } = explanationOf(told, { events: [], decisions: silent });
    expect(components.map(({ bounds }) => bounds.split('; ')[0])).toEqual([
      `not ours (Conflict): ${own}`,
      'not ours (Conflict): saw it too',
      'the floor is the least that is declared, 1',
    ]);
  });
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

test('each rule of the optimizer that has acted says what for, what came of it, and when the next may come', () => {
  const acted = {
    time: '2026-01-01T00:50:00Z',
    outcome: 'NoEffect',
    message: 'memory 1610Mi > 1536Mi; 1Mi freed',
  } as const;
  const rules = [
    {
      name: 'gc',
      component: 'workflow',
      lastAction: acted,
      nextEligibleTime: '2026-01-01T01:20:00Z',
      backoffMultiplier: 2,
    },
    {
      name: 'warm',
      component: 'workflow',
      lastAction: { time: '2026-01-01T00:49:00Z' },
      nextEligibleTime: '2026-01-01T00:59:00Z',
    },
  ];
  const lines = page({ ...busy, optimizer: { rules } })
    .split('\n')
    .map((line) => line.trim().replaceAll(/ {2,}/g, '  '));
  const from = lines.indexOf('Optimizer, newest action first');
  expect(lines.slice(from + 1, from + 7)).toEqual([
    'gc on workflow  NoEffect, 10m ago',
    'memory 1610Mi > 1536Mi; 1Mi freed',
    'next not before 2026-01-01T01:20:00Z, in 20m (2 times its cooldown)',
    'warm on workflow  at work, 11m ago',
    'why is not recorded',
    'next may come at any time (1 times its cooldown)',
  ]);
});

test('weights of Pods are told with why, and where the operator does not say them, that', () => {
  const pod = {
    server: '10.0.0.1:80',
    weight: 32,
    target: 32,
    why: 'WithinBand',
    serviceMs: 20,
    errorPercent: 0,
    requests: 900,
  };
  const weights = [
    {
      nginx: 'nginx-0',
      component: 'workflow',
      mode: 'Adaptive',
      busyPercent: 75,
      effectPercent: 50,
      pods: [
        { ...pod, pod: 'a' },
        { ...pod, pod: null, weight: 22, target: 10, why: 'Failing', errorPercent: 12.5 },
      ],
    },
  ];
  expect(page(busy, { decisions: { kind: 'said', view: { decisions: [], newestDecisions: [], weights } } })).toContain(`
Weights of workflow in nginx-0 (Adaptive, 75 % of all slots busy, so service times count by 50 %)
  a            32       WithinBand  near enough to what was measured; 20 ms a request, of 900
  10.0.0.1:80  22 → 10  Failing     fails more than the others; 20 ms a request, of 900; 12.5 % errors
`);
  const balanced = service(busy);
  const told = { ...balanced, spec: { ...balanced.spec, loadBalancer: { type: 'Nginx' as const } } };
  const { notRecorded } = explanationOf(told, { events: [], decisions: silent });
  expect(notRecorded).toContain('weights of Pods: it says nothing');
});
