import { describe, expect, test } from '@jest/globals';
import { claims, type Ending } from '../../../../hack/demo/claims.ts';
import type { Recording } from '../../../../hack/demo/record.ts';
import { acted, marks, recording, sample, snapshot, tuned, untuned } from './recording.ts';

const ending: Ending = {
  load: {
    sent: 10_000,
    errors: 0,
    refused: 0,
    failures: { Connection: 0, TimedOut: 0, CutOff: 0 },
    latency: null,
  },
  rescales: ['New size: 7; reason: Current number of replicas below Spec.MinReplicas'],
  driftCounted: 1,
};
const load = (changes: Partial<Ending['load']>): Partial<Ending> => ({ load: { ...ending.load, ...changes } });
const cutOff = { Connection: 0, TimedOut: 0, CutOff: 40 };
const hotCpu = snapshot(7, {
  autoscaler: {
    floor: 7,
    maxReplicas: 8,
    reasoning: undefined,
    metrics: [{ name: 'cpu', current: '300 %', target: '300 %' }],
  },
});
type Service = NonNullable<(typeof recording)['samples'][number]['snapshot']['service']>;
/** The same demo, of whose service something else was seen. */
const seen = (changes: (service: Service) => Partial<Service>): Recording['samples'] =>
  recording.samples.map((of) => {
    const { service = {} } = of.snapshot;
    return { ...of, snapshot: { ...of.snapshot, service: { ...service, ...changes(service) } } };
  });
const unexplained = seen(({ components = [] }) => ({ components: components.map(({ decision: _, ...rest }) => rest) }));
const without = (type: string) =>
  seen(({ conditions = [] }) => ({ conditions: conditions.filter((one) => one.type !== type) }));
const outcome = (said: 'Failed' | undefined) =>
  seen(() => ({
    optimizer: {
      rules: acted.rules.map(({ lastAction: { outcome: _, ...action }, ...rule }) => ({
        ...rule,
        lastAction: said === undefined ? action : { ...action, outcome: said },
      })),
    },
  }));
const behind = seen(({ components = [] }) => ({
  components: components.map((one) => ({ ...one, runtime: { hash: '', podsCurrent: 1, podsTotal: 7 } })),
}));

/** The texts of the claims that do not hold. */
const broken = (changes: Partial<Recording> = {}, end: Partial<Ending> = {}): readonly string[] =>
  claims({ ...recording, ...changes }, { ...ending, ...end })
    .filter(({ holds }) => !holds)
    .map(({ text }) => text);

describe('claims()', () => {
  test('hold for a demo in which everything happened', () => {
    expect(broken()).toEqual([]);
    expect(claims(recording, ending)).toHaveLength(8);
  });

  type Row = { name: string; recorded?: Partial<Recording>; end?: Partial<Ending>; breaks: readonly string[] };
  const [up, down] = ['scaled the workload up', 'came down'];
  const [settings, optimizer] = ['runtime settings', 'the optimizer'];
  test.each<Row>([
    {
      name: 'too few Pods: 140/s at 20 each ask for 7, and 6 are let pass, 5 are not',
      recorded: { samples: [2, 5, 2].map((pods, index) => sample(index + 1, snapshot(pods))) },
      breaks: [up],
    },
    { name: 'nobody naming requests per second as the reason', recorded: { samples: unexplained }, breaks: [up] },
    { name: 'no word of the HPA controller', end: { rescales: [] }, breaks: [up] },
    {
      name: 'cpu at its target: it may have been that',
      recorded: { samples: [...recording.samples, sample(8, hotCpu), sample(9, snapshot(2))] },
      breaks: [up],
    },
    {
      name: 'never up',
      recorded: { samples: [2, 2].map((pods, index) => sample(index + 1, snapshot(pods))) },
      breaks: [up, down, settings],
    },
    { name: 'still up at the end', recorded: { samples: recording.samples.slice(0, 5) }, breaks: [down] },
    { name: 'nothing seen', recorded: { samples: [] }, breaks: [up, down, settings, optimizer, 'is Ready'] },
    { name: 'a Redis that was tuned before', recorded: { redisBefore: tuned }, breaks: ['took the settings'] },
    { name: 'a Redis that took nothing', recorded: { redisAfter: untuned }, breaks: ['took the settings'] },
    { name: 'no repair', recorded: { marks: marks.filter(({ kind }) => kind !== 'Repaired') }, breaks: ['by hand'] },
    { name: 'no edit', recorded: { marks: marks.filter(({ kind }) => kind !== 'Edited') }, breaks: ['by hand'] },
    { name: 'drift that was not counted', end: { driftCounted: 0 }, breaks: ['by hand'] },
    { name: 'drift that nobody could be asked about', end: { driftCounted: undefined }, breaks: ['by hand'] },
    { name: '11 failed of 10 000', end: load({ errors: 6, refused: 5 }), breaks: ['requests failed'] },
    { name: 'no load at all', end: load({ sent: 0 }), breaks: ['requests failed'] },
    { name: 'Pods that never all said so', recorded: { samples: behind }, breaks: [settings] },
    { name: 'settings that are not in force', recorded: { samples: without('RuntimeApplied') }, breaks: [settings] },
    { name: 'no action', recorded: { samples: seen(() => ({ optimizer: {} })) }, breaks: [optimizer] },
    { name: 'an action that no Pod took', recorded: { samples: outcome('Failed') }, breaks: [optimizer] },
    { name: 'an action that is at work still', recorded: { samples: outcome(undefined) }, breaks: [optimizer] },
    { name: 'no longer Ready', recorded: { samples: without('Ready') }, breaks: ['is Ready'] },
  ])('are broken by $name', ({ recorded, end, breaks }) => {
    expect(broken(recorded, end)).toEqual(breaks.map((part) => expect.stringContaining(part)));
  });

  test('bear 10 failed of 10 000, and requests that the end of the load cut off', () => {
    expect(broken({}, load({ errors: 50, failures: cutOff }))).toEqual([]);
  });

  test('believe the HPA controller that says it itself', () => {
    const rescales = ['New size: 7; reason: pods metric requests_per_second above target'];
    expect(broken({ samples: unexplained }, { rescales })).toEqual([]);
  });

  test('carry their figures', () => {
    expect(claims(recording, ending).map(({ evidence }) => evidence)).toEqual([
      expect.stringMatching(/^7 Pods ready at 140 requests\/s; cpu never reached its target; .* New size: 7/),
      '2 Pods wanted at the end, 6 s after the start',
      'maxmemory 0 noeviction → maxmemory 1gb allkeys-lru',
      'repaired after 2 s; genops_drift_total{lever="redis"} 1',
      'up to 7 Pods with the settings 0123456789ab; at the end: All 2 Pods run with the settings.',
      'gc-on-memory: Inconclusive; memory fell by 3 %',
      '0 of 10000; p50 –, p95 –, p99 –',
      'Reconciled: In force.',
    ]);
  });
});
