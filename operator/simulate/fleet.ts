import type { Random } from './random.ts';

export const podStates = { gone: 0, starting: 1, ready: 2, draining: 3 } as const;

/** The Pods of a run. Numbers are used again once a Pod is gone; times in seconds. Changed by the functions of this file alone. */
export interface Fleet {
  readonly startUpSeconds: number;
  readonly uniform: Random;
  readonly states: Uint8Array;
  readonly createdAt: Float64Array;
  readonly readyAt: Float64Array;
  /** No Pod has a number from here on. */
  limit: number;
  /** Ready Pods in `serving[0 … ready - 1]`. */
  readonly serving: Int32Array;
  ready: number;
  asked: number;
  /** When the next Pod that starts is Ready. */
  nextReadyAt: number;
  /** What Pods that are gone have cost, in replica-seconds. */
  spent: number;
}

/** @param replicas There and Ready at 0. */
export function createFleet(
  replicas: number,
  {
    startUpSeconds,
    maxReplicas,
    uniform,
  }: Pick<Fleet, 'startUpSeconds' | 'uniform'> & { readonly maxReplicas: number },
): Fleet {
  const capacity = 8 * maxReplicas + 256; // Pods that drain come on top of those that are asked for
  const fleet: Fleet = {
    startUpSeconds,
    uniform,
    states: new Uint8Array(capacity),
    createdAt: new Float64Array(capacity),
    readyAt: new Float64Array(capacity),
    limit: 0,
    serving: new Int32Array(capacity),
    ready: 0,
    asked: 0,
    nextReadyAt: 0,
    spent: 0,
  };
  for (; fleet.asked < replicas; fleet.asked++) create(fleet, 0, 0);
  while (fleet.ready < replicas) becomeReady(fleet);
  return fleet;
}

function create(fleet: Fleet, now: number, startsIn: number): void {
  const { states, createdAt, readyAt, limit } = fleet;
  let pod = states.subarray(0, limit).indexOf(podStates.gone);
  if (pod === -1) pod = fleet.limit++;
  if (pod === states.length) throw new RangeError(`saw ${pod} Pods at once; wanted fewer that drain`);
  createdAt[pod] = now;
  readyAt[pod] = now + startsIn;
  states[pod] = podStates.starting;
}

/** The Pod whose time has come serves from now on. @returns its number. */
export function becomeReady(fleet: Fleet): number {
  const { states, readyAt, serving } = fleet;
  let pod = 0;
  while (states[pod] !== podStates.starting || readyAt[pod] !== fleet.nextReadyAt) pod++;
  states[pod] = podStates.ready;
  serving[fleet.ready++] = pod;
  fleet.nextReadyAt = nextReadyOf(fleet);
  return pod;
}

function nextReadyOf({ states, readyAt, limit }: Fleet): number {
  let next = Infinity;
  for (let pod = 0; pod < limit; pod++)
    if (states[pod] === podStates.starting) next = Math.min(next, readyAt[pod] ?? Infinity);
  return next;
}

/** Makes Pods, or takes away: those that start first, then the youngest. @param onDrain Told of each that served. */
export function ask(fleet: Fleet, replicas: number, now: number, onDrain: (pod: number) => void): void {
  const { startUpSeconds, uniform } = fleet;
  for (; fleet.asked < replicas; fleet.asked++) create(fleet, now, startUpSeconds * (0.9 + 0.2 * uniform()));
  for (; fleet.asked > replicas; fleet.asked--) remove(fleet, now, onDrain);
  fleet.nextReadyAt = nextReadyOf(fleet);
}

function remove(fleet: Fleet, now: number, onDrain: (pod: number) => void): void {
  const pod = removable(fleet);
  if (fleet.states[pod] === podStates.starting) {
    end(fleet, pod, now);
    return;
  }
  const place = fleet.serving.indexOf(pod);
  fleet.serving.copyWithin(place, place + 1, fleet.ready--);
  fleet.states[pod] = podStates.draining;
  onDrain(pod);
}

/** Those that start are not missed; of the others the youngest has the least to lose. */
function removable({ states, createdAt, limit }: Fleet): number {
  let found = -1;
  for (let pod = 0; pod < limit; pod++) {
    const state = states[pod] ?? podStates.gone;
    if (state !== podStates.starting && state !== podStates.ready) continue;
    const best = states[found];
    const isBetter =
      best === undefined ||
      (state === best ? (createdAt[pod] ?? 0) >= (createdAt[found] ?? 0) : state === podStates.starting);
    if (isBetter) found = pod;
  }
  return found;
}

/** A Pod that was draining has ended its last request. */
export function end(fleet: Fleet, pod: number, now: number): void {
  fleet.states[pod] = podStates.gone;
  fleet.spent += now - (fleet.createdAt[pod] ?? now);
}

/** What all Pods have cost so far, in replica-seconds. */
export function costUntil({ states, createdAt, limit, spent }: Fleet, now: number): number {
  let cost = spent;
  for (let pod = 0; pod < limit; pod++) if (states[pod] !== podStates.gone) cost += now - (createdAt[pod] ?? now);
  return cost;
}
