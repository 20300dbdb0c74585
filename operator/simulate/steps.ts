import { ask, becomeReady, costUntil, createFleet, end } from './fleet.ts';
import { below, density, nodes, weights } from './normal.ts';
import { createTally, noteArrivals, noteOver, outcomeOf, type Tally } from './outcome.ts';
import { random } from './random.ts';
import type { Run, RunInput } from './run.ts';
import { patienceSeconds, type Service } from './service.ts';
import type { Trace } from './trace.ts';
import type { Autoscaler, World } from './world.ts';

/** The number of requests in the system, by its mean and variance. */
interface State extends World {
  readonly service: Service;
  readonly tally: Tally;
  /** Of ln(service time). */
  readonly middle: number;
  readonly deviation: number;
  /** Share of requests that are late without any wait. */
  readonly lateAlone: number;
  now: number;
  mean: number;
  variance: number;
  waiting: number;
  arrived: number;
  finished: number;
  busySeconds: number;
  systemSeconds: number;
  responseSeconds: number;
  /** Time that the slots of a Pod were busy that is there from the beginning; of each Pod, what that was when it became Ready. */
  podBusySeconds: number;
  readonly busyBefore: Float64Array;
}

/** Longest piece of time in which the Pods and the load are taken to be as they are. */
const longestPiece = 5;

/**
 * Long traces, without single requests: the number in the system is followed as a normal variable, whose variance is what makes some wait while the mean still fits.
 *
 * A service of many servers whose load changes with time, closed after two moments (Massey and Pender 2013). Drains cost nothing here.
 */
export function startSteps({
  trace,
  service,
  replicas,
  autoscaler,
  seed,
}: Omit<RunInput, 'requests' | 'lengthSeconds'> & { readonly trace: Trace }): Run {
  const { counts, stepSeconds } = trace;
  const lengthSeconds = stepSeconds * counts.length;
  const state = beginState(service, replicas, lengthSeconds, seed);
  const { fleet, tally } = state;
  let step = 0;
  const advance = (untilSeconds: number): boolean => {
    while (state.now < Math.min(untilSeconds, lengthSeconds)) {
      const stepEnd = (step + 1) * stepSeconds;
      const rate = (counts[step] ?? 0) / stepSeconds;
      pass(state, rate, Math.min(stepEnd, fleet.nextReadyAt, autoscaler.nextAt, state.now + longestPiece));
      if (state.now >= stepEnd) step++;
      while (fleet.nextReadyAt <= state.now) state.busyBefore[becomeReady(fleet)] = state.podBusySeconds;
      while (autoscaler.nextAt <= state.now && state.now < lengthSeconds) look(state, autoscaler);
    }
    return state.now >= lengthSeconds;
  };
  return { advance, outcome: () => outcomeOf(tally, costUntil(fleet, state.now)) };
}

function beginState(service: Service, replicas: number, lengthSeconds: number, seed: number): State {
  const fleet = createFleet(replicas, { ...service, uniform: random(seed + 2) });
  const spread = Math.log(1 + service.serviceCv ** 2);
  const times = { middle: Math.log(service.serviceSeconds) - spread / 2, deviation: Math.sqrt(spread) };
  return {
    ...times,
    lateAlone: longer(times, service.objectiveSeconds),
    service,
    slots: service.slots,
    fleet,
    tally: createTally(lengthSeconds, replicas),
    now: 0,
    mean: 0,
    variance: 0,
    waiting: 0,
    arrived: 0,
    finished: 0,
    busySeconds: 0,
    systemSeconds: 0,
    responseSeconds: 0,
    podBusySeconds: 0,
    busyBefore: new Float64Array(fleet.states.length),
    busySecondsOf(pod) {
      return this.podBusySeconds - (this.busyBefore[pod] ?? 0);
    },
  };
}

/** Goes on to `time` with `rate` requests a second and the Pods as they are. */
function pass(state: State, rate: number, time: number): void {
  const { service, fleet, tally } = state;
  const elapsed = time - state.now;
  const slots = fleet.ready * service.slots;
  const sd = Math.sqrt(state.variance);
  const z = sd === 0 ? (state.mean < slots ? -Infinity : Infinity) : (state.mean - slots) / sd;
  const isFull = below(z);
  const waiting = z < -farAway ? 0 : sd === 0 ? state.mean - slots : sd * density(z) + (state.mean - slots) * isFull;
  const busy = Math.max(0, state.mean - waiting);
  const { late, givenUp } = z < -farAway ? { late: state.lateAlone, givenUp: 0 } : lateShare(state, sd, slots);
  noteArrivals(tally, state.now, rate * elapsed);
  noteOver(tally, state.now, rate * elapsed * late);
  tally.givenUp += rate * elapsed * givenUp;
  tally.longestQueue = Math.max(tally.longestQueue, Math.round(waiting));
  move(state, { rate: rate * (1 - givenUp), busy, isFree: 1 - isFull, elapsed });
  state.arrived += rate * elapsed;
  state.finished += (busy / service.serviceSeconds) * elapsed;
  state.busySeconds += busy * elapsed;
  state.systemSeconds += state.mean * elapsed;
  state.responseSeconds = state.systemSeconds; // Little's law
  state.podBusySeconds += fleet.ready > 0 ? (busy / fleet.ready) * elapsed : 0;
  state.waiting = waiting;
  state.now = time;
}

interface Piece {
  readonly rate: number;
  readonly busy: number;
  /** The chance that a slot is free. */
  readonly isFree: number;
  readonly elapsed: number;
}

/** Both moments after the piece: each falls towards its rest at the rate of now, which stays stable however long the piece is. */
function move(state: State, { rate, busy, isFree, elapsed }: Piece): void {
  const { serviceSeconds, serviceCv } = state.service;
  const leaves = state.mean > 0 ? busy / (state.mean * serviceSeconds) : 1 / serviceSeconds;
  const mean = towards(state.mean, rate, leaves, elapsed);
  const noise = rate + (busy / serviceSeconds) * serviceCv ** 2;
  const variance = towards(state.variance, noise, (2 * isFree) / serviceSeconds, elapsed);
  state.mean = mean;
  state.variance = Math.min(variance, 6 * mean + 1);
}

/** x after `elapsed` of x' = gain − rate · x. */
function towards(x: number, gain: number, rate: number, elapsed: number): number {
  if (rate * elapsed < 1e-9) return x + gain * elapsed;
  const keeps = Math.exp(-rate * elapsed);
  return x * keeps + (gain / rate) * (1 - keeps);
}

/** Far from the last slot nobody waits: only the service time counts. */
const farAway = 4;

/** Of the requests that come now: those that are late or given up, and those given up alone. */
function lateShare(state: State, sd: number, slots: number): { readonly late: number; readonly givenUp: number } {
  const { serviceSeconds, objectiveSeconds } = state.service;
  let [late, givenUp] = [0, 0];
  for (let node = 0; node < nodes.length; node++) {
    const weight = weights[node] ?? 0;
    const queued = state.mean + sd * (nodes[node] ?? 0) - slots + 1;
    const waits = queued <= 0 ? 0 : slots === 0 ? Infinity : (queued * serviceSeconds) / slots;
    if (waits === 0) late += weight * state.lateAlone;
    else if (waits > patienceSeconds) givenUp += weight;
    else late += weight * longer(state, objectiveSeconds - waits);
  }
  return { late: late + givenUp, givenUp };
}

/** Share of service times above `seconds`. */
const longer = ({ middle, deviation }: Pick<State, 'middle' | 'deviation'>, seconds: number): number =>
  seconds <= 0 ? 1 : below((middle - Math.log(seconds)) / deviation);

function look(state: State, autoscaler: Autoscaler): void {
  const { fleet, tally, now } = state;
  const wanted = autoscaler.act(state);
  if (wanted === fleet.asked) return;
  tally.decisions.push([now, wanted]);
  ask(fleet, wanted, now, (pod) => end(fleet, pod, now));
}
