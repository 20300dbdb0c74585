import type { Mark, Recording, Sample } from '../../../../hack/demo/record.ts';
import type { Snapshot } from '../../../../hack/demo/snapshot.ts';

/** A Redis as it comes, and as the policy has it. */
export const untuned = { maxMemoryBytes: 0, policy: 'noeviction' };
export const tuned = { maxMemoryBytes: 2 ** 30, policy: 'allkeys-lru' };

const ready = { type: 'Ready', status: 'True', reason: 'Reconciled', message: 'In force.' } as const;
const condition = { ...ready, lastTransitionTime: '2026-11-25T00:00:00Z', observedGeneration: 1 };
const told = { ...condition, type: 'RuntimeApplied', reason: 'Applied', message: 'All 2 Pods run with the settings.' };

/** What the optimizer has done: a quarter of a minute after the load began, judged half a minute later. */
export const acted = {
  rules: [
    {
      name: 'gc-on-memory',
      component: 'workflow',
      lastAction: { time: '2026-11-25T00:00:15Z', outcome: 'Inconclusive', message: 'memory fell by 3 %' } as const,
    },
  ],
};

const message = 'requests_per_second is 35 a Pod over 4 Pods; at 20 a Pod that asks for 7.';
const decision = { action: 'ScaleUp', from: 4, to: 7, reason: 'LoadHigh', message };
export const snapshot = (pods: number, changes: Partial<Snapshot> = {}): Snapshot => ({
  replicas: { ready: pods, desired: pods },
  targets: [],
  autoscaler: {
    floor: pods,
    maxReplicas: 8,
    reasoning: undefined,
    metrics: [{ name: 'cpu', current: '56 %', target: '300 %' }],
  },
  service: {
    conditions: [condition, told],
    objectivesMet: '5/5',
    components: [{ name: 'workflow', decision, runtime: { hash: '0123456789ab', podsCurrent: pods, podsTotal: pods } }],
    optimizer: acted,
  },
  redis: tuned,
  ...changes,
});

export const sample = (second: number, of: Snapshot, changes: Partial<Sample> = {}): Sample => ({
  second,
  sent: 140,
  done: 140,
  errors: 0,
  refused: 0,
  inFlight: 3,
  oldestMs: 5,
  p50Ms: 1,
  p95Ms: 300,
  p99Ms: 500,
  snapshot: of,
  ...changes,
});

export const marks: readonly Mark[] = [
  { second: 2, kind: 'Scaled', text: '2 → 7 Pods' },
  { second: 3, kind: 'Edited', text: 'Redis by hand: maxmemory-policy noeviction' },
  { second: 5, kind: 'Repaired', text: 'repaired: maxmemory-policy allkeys-lru' },
  { second: 6, kind: 'Scaled', text: '7 → 2 Pods' },
];

/** A demo in which everything happened. */
export const recording: Recording = {
  samples: [2, 7, 7, 7, 7, 2, 2].map((pods, index) => sample(index + 1, snapshot(pods))),
  marks,
  redisBefore: untuned,
  redisAfter: tuned,
};
