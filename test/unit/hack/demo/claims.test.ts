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
  backends: [
    {
      cpuPool: { threads: 2, tasks: 60, remembered: 40 },
      httpPool: { answers: 60 },
      postgresPool: { connections: 1, statements: 90 },
    },
    {
      cpuPool: { threads: 2, tasks: 50, remembered: 30 },
      httpPool: { answers: 50 },
      postgresPool: { connections: 4, statements: 80 },
    },
  ],
};
type Figures = Ending['backends'][number];
/** The same Pods, of which one part says something else. */
const saying = (changes: (pod: Figures) => Figures): Partial<Ending> => ({ backends: ending.backends.map(changes) });
const threads = (count: number) =>
  saying((pod) => ({ ...pod, cpuPool: { tasks: 60, remembered: 40, threads: count } }));
const remembered = (count: number) =>
  saying((pod) => ({ ...pod, cpuPool: { tasks: 60, threads: 2, remembered: count } }));
const connections = (count: number) =>
  saying((pod) => ({ ...pod, postgresPool: { statements: 80, connections: count } }));
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
    expect(claims(recording, ending)).toHaveLength(9);
  });

  type Row = { name: string; recorded?: Partial<Recording>; end?: Partial<Ending>; breaks: readonly string[] };
  const [up, down] = ['scaled the workload up', 'came down'];
  const [settings, library, optimizer] = ['runtime settings', 'computed on threads', 'the optimizer'];
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
    { name: 'no Pod that could be asked', end: { backends: [] }, breaks: [library] },
    { name: 'Pods without any of it', end: saying(() => ({})), breaks: [library] },
    { name: 'threads of no policy: 4, not its 2', end: threads(4), breaks: [library] },
    { name: 'nothing remembered', end: remembered(0), breaks: [library] },
    { name: 'nothing computed', end: remembered(60), breaks: [library] },
    { name: 'a model that nobody asked', end: saying((pod) => ({ ...pod, httpPool: { answers: 0 } })), breaks: [library] }, // prettier-ignore
    { name: 'five connections of a Pod: 4 are let', end: connections(5), breaks: [library] },
    { name: 'no connection', end: connections(0), breaks: [library] },
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
      '2 Pods: 110 tasks on 2 and 2 threads, 70 of them remembered; 110 answers of the model; 170 statements counted on 1 and 4 connections',
      'gc-on-memory: Inconclusive; memory fell by 3 %',
      '0 of 10000; p50 –, p95 –, p99 –',
      'Reconciled: In force.',
    ]);
  });
});
