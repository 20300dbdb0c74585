import type { Tolerance } from '../../operator/decide/pods-metric.ts';
import type { Behavior } from '../../operator/decide/scaling-behavior.ts';
import type { Played } from './metrics-player.ts';

/** Seconds ago, when a Pod started and its condition Ready became what it is; undefined: it has none. */
export interface Odd {
  readonly started: number;
  readonly ready: readonly ['True' | 'False', number] | undefined;
}
export const hour = 3_600;
const odds = {
  starting: { started: 60, ready: ['False', 60] },
  /** Ready for longer than the 15 s that a sample is of. */
  young: { started: 60, ready: ['True', 50] },
  /** Its sample is of a time in which it was not Ready: it will be Ready only in an hour, as its clock has it. */
  fresh: { started: 60, ready: ['True', -hour] },
  /** Was Ready once. */
  failing: { started: hour, ready: ['False', hour / 2] },
  neverReady: { started: hour, ready: ['False', hour - 10] },
  unsaid: { started: hour, ready: undefined },
} as const satisfies Record<string, Odd>;

export interface Story {
  readonly name: string;
  readonly replicas: number;
  /** By sync; a later one is that before it. */
  readonly minReplicas: Readonly<Record<number, number>>;
  readonly behavior: Behavior;
  /** Undefined: that of the controller, a tenth. */
  readonly tolerance?: Tolerance;
  /** How many Pods have metrics, have not started yet, and run without a metric; and those that have metrics and are not simply Ready. The replicas that are asked for make none. */
  readonly pods: {
    readonly measured: number;
    readonly pending: number;
    readonly silent: number;
    readonly odd?: readonly Odd[];
  };
  readonly metrics: readonly (keyof Played)[];
  readonly played: readonly Played[];
}

export const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value);
/** All measured Pods alike. */
const cpu = (pods: number, ...percents: readonly number[]): readonly Played[] =>
  percents.map((percent) => ({ cpu: times(pods, percent) }));
const requests = (pods: number, ...values: readonly number[]): readonly Played[] =>
  values.map((value) => ({ requests: times(pods, value) }));

const atOnce: Behavior = {
  scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 10_000, periodSeconds: 1 }] },
  scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 100, periodSeconds: 1 }] },
};
const inSteps: Behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 2,
    selectPolicy: 'Max',
    policies: [
      { type: 'Percent', value: 50, periodSeconds: 2 },
      { type: 'Pods', value: 4, periodSeconds: 3 },
    ],
  },
  scaleDown: {
    stabilizationWindowSeconds: 4,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 30, periodSeconds: 3 }],
  },
};
const least: Behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Min',
    policies: [
      { type: 'Percent', value: 100, periodSeconds: 2 },
      { type: 'Pods', value: 3, periodSeconds: 3 },
    ],
  },
  scaleDown: {
    stabilizationWindowSeconds: 1,
    selectPolicy: 'Min',
    policies: [
      { type: 'Percent', value: 50, periodSeconds: 2 },
      { type: 'Pods', value: 2, periodSeconds: 2 },
    ],
  },
};

export const stories: readonly Story[] = [
  {
    name: 'cpu in steps: the tolerance at its ends, both windows, both rates',
    replicas: 12,
    minReplicas: { 0: 2 },
    behavior: inSteps,
    pods: { measured: 12, pending: 0, silent: 0 },
    metrics: ['cpu'],
    played: [
      ...cpu(12, ...times(6, 77), ...times(6, 78), ...times(10, 63), ...times(12, 62), ...times(10, 210)),
      ...cpu(12, ...times(4, 30), 140, ...times(14, 30)),
    ],
  },
  {
    name: 'cpu of Pods that start and Pods without a metric',
    replicas: 6,
    minReplicas: { 0: 1 },
    behavior: atOnce,
    pods: { measured: 3, pending: 2, silent: 1 },
    metrics: ['cpu'],
    played: cpu(3, 70, 80, 200, 150, 60, 30, 70, 10, 69, 71, 180, 70, 100, 76, 64, 300, 40),
  },
  {
    name: 'cpu of Pods that are not Ready, not yet or not any more, and Pods without a metric',
    replicas: 9,
    minReplicas: { 0: 1 },
    behavior: atOnce,
    pods: { measured: 2, pending: 1, silent: 1, odd: Object.values(odds) },
    metrics: ['cpu'],
    played: cpu(8, 70, 80, 200, 150, 60, 30, 70, 10, 69, 71, 180, 70, 100, 76, 64, 300, 40),
  },
  {
    name: 'requests of the same Pods, of which nobody asks whether they are Ready',
    replicas: 9,
    minReplicas: { 0: 1 },
    behavior: atOnce,
    pods: { measured: 2, pending: 1, silent: 1, odd: Object.values(odds) },
    metrics: ['requests'],
    played: requests(8, 100, 110, 300, 150, 60, 30, 100, 10, 99, 101, 250, 130, 90, 500, 70),
  },
  {
    name: 'a tolerance for each direction, at its ends',
    replicas: 10,
    minReplicas: { 0: 1 },
    behavior: atOnce,
    tolerance: { up: 0.3, down: 0.2 },
    pods: { measured: 10, pending: 0, silent: 0 },
    metrics: ['cpu'],
    played: cpu(10, 70, 91, 92, 70, 56, 55, 70, 77, 63, 150, 70, 20), // 1.3 × 70 = 91, 0.8 × 70 = 56
  },
  {
    name: 'requests of Pods that start and Pods without a metric',
    replicas: 6,
    minReplicas: { 0: 1 },
    behavior: atOnce,
    pods: { measured: 3, pending: 2, silent: 1 },
    metrics: ['requests'],
    played: requests(3, 100, 110, 300, 150, 60, 30, 100, 10, 99, 101, 250, 130, 90, 500, 70),
  },
  {
    name: 'requests with the least of two rates, and thousandths that are cut off',
    replicas: 2,
    minReplicas: { 0: 1 },
    behavior: least,
    pods: { measured: 2, pending: 0, silent: 0 },
    metrics: ['requests'],
    played: [
      ...times(3, { requests: [150, 150.001] }),
      ...requests(2, ...times(4, 110), ...times(12, 800), ...times(12, 20), ...times(4, 90), ...times(8, 400)),
    ],
  },
  {
    name: 'two metrics, of which one is unknown for a while',
    replicas: 4,
    minReplicas: { 0: 1 },
    behavior: atOnce,
    pods: { measured: 3, pending: 0, silent: 0 },
    metrics: ['cpu', 'requests'],
    played: [
      ...times(3, { cpu: times(3, 140), requests: times(3, 100) }),
      ...times(3, { cpu: times(3, 20), requests: undefined }),
      ...times(2, { cpu: times(3, 200), requests: undefined }),
      ...times(2, { cpu: undefined, requests: undefined }),
      ...times(3, { cpu: times(3, 20), requests: times(3, 170) }),
      ...times(2, { cpu: times(3, 20), requests: times(3, 20) }),
    ],
  },
  {
    name: 'a floor that is raised and lowered under a load that asks for nothing',
    replicas: 3,
    minReplicas: { 0: 2, 4: 9, 12: 2 },
    behavior: inSteps,
    pods: { measured: 3, pending: 0, silent: 0 },
    metrics: ['cpu'],
    played: cpu(3, ...times(40, 20)),
  },
];
