import { createDepartures, type Departures } from './departures.ts';
import { ask, becomeReady, costUntil, createFleet, end, podStates } from './fleet.ts';
import { createTally, noteArrivals, noteOver, outcomeOf, type Outcome, type Tally } from './outcome.ts';
import { random } from './random.ts';
import type { Requests } from './requests.ts';
import { patienceSeconds, stretchOf, type Service } from './service.ts';
import type { Autoscaler, World } from './world.ts';

export interface RunInput {
  readonly requests: Requests;
  readonly service: Service;
  readonly lengthSeconds: number;
  /** Replicas at the start, all Ready. */
  readonly replicas: number;
  readonly autoscaler: Autoscaler;
  readonly seed: number;
}

/** A simulation that is under way. */
export interface Run {
  /** Goes on until `untilSeconds` of its own time. @returns whether that was the end. */
  advance(untilSeconds: number): boolean;
  outcome(): Outcome;
}

/** A service with its requests: those from `head` to `arrived` wait. */
interface State extends World {
  readonly requests: Requests;
  readonly service: Service;
  readonly departures: Departures;
  readonly tally: Tally;
  now: number;
  arrived: number;
  head: number;
  finished: number;
  busySlots: number;
  busySeconds: number;
  systemSeconds: number;
  responseSeconds: number;
  /** By Pod. */
  readonly busy: Int32Array;
  readonly busySince: Float64Array;
  readonly busyBefore: Float64Array;
}

/**
 * Every request by itself: Pods with slots, and one queue for all.
 *
 * A request takes a free slot of the Ready Pod with the fewest busy ones, or waits its turn, for a minute at most.
 */
export function startRun(input: RunInput): Run {
  const { autoscaler, lengthSeconds } = input;
  const state = beginState(input);
  const { arrivals } = input.requests;
  let cost: number | undefined;
  const advance = (untilSeconds: number): boolean => {
    for (;;) {
      const arrival = arrivals[state.arrived] ?? Infinity;
      const departure = state.departures.nextAt;
      const ready = state.fleet.nextReadyAt;
      const turn = autoscaler.nextAt < lengthSeconds ? autoscaler.nextAt : Infinity;
      const time = Math.min(arrival, departure, ready, turn);
      if (time >= lengthSeconds) cost ??= costUntil(state.fleet, lengthSeconds);
      if (time === Infinity || (time >= lengthSeconds && arrival === Infinity && state.waiting === 0)) return true;
      if (time > untilSeconds) return false;
      passTo(state, time);
      if (time === departure) depart(state);
      else if (time === ready) serve(state);
      else if (time === arrival) arrive(state);
      else look(state, autoscaler);
    }
  };
  return { advance, outcome: () => outcomeOf(state.tally, cost ?? costUntil(state.fleet, state.now)) };
}

function beginState({ requests, service, lengthSeconds, replicas, seed }: RunInput): State {
  const fleet = createFleet(replicas, { ...service, uniform: random(seed + 2) });
  const pods = fleet.states.length;
  return {
    requests,
    service,
    slots: service.slots,
    fleet,
    departures: createDepartures(),
    tally: createTally(lengthSeconds, replicas),
    now: 0,
    arrived: 0,
    head: 0,
    get waiting() {
      return this.arrived - this.head;
    },
    finished: 0,
    busySlots: 0,
    busySeconds: 0,
    systemSeconds: 0,
    responseSeconds: 0,
    busy: new Int32Array(pods),
    busySince: new Float64Array(pods),
    busyBefore: new Float64Array(pods),
    busySecondsOf(pod) {
      return (this.busyBefore[pod] ?? 0) + (this.busy[pod] ?? 0) * (this.now - (this.busySince[pod] ?? 0));
    },
  };
}

function passTo(state: State, time: number): void {
  const elapsed = time - state.now;
  state.busySeconds += state.busySlots * elapsed;
  state.systemSeconds += (state.busySlots + state.arrived - state.head) * elapsed;
  state.now = time;
  if (state.head < state.arrived) dropImpatient(state);
}

function dropImpatient(state: State): void {
  const { arrivals } = state.requests;
  while (state.head < state.arrived && (arrivals[state.head] ?? Infinity) + patienceSeconds <= state.now) {
    noteOver(state.tally, arrivals[state.head++] ?? 0, 1);
    state.tally.givenUp++;
  }
}

function arrive(state: State): void {
  const request = state.arrived++;
  noteArrivals(state.tally, state.now, 1);
  const pod = state.head < request ? -1 : leastBusy(state);
  if (pod === -1) {
    state.tally.longestQueue = Math.max(state.tally.longestQueue, state.waiting);
    return;
  }
  state.head = state.arrived;
  setBusy(state, pod, (state.busy[pod] ?? 0) + 1);
  begin(state, request, pod);
}

/** The Ready Pod with the fewest busy slots; -1: all are full. */
function leastBusy({ fleet, busy, slots }: State): number {
  let found = -1;
  let least = slots;
  for (let place = 0; place < fleet.ready && least > 0; place++) {
    const pod = fleet.serving[place] ?? 0;
    const count = busy[pod] ?? 0;
    if (count >= least) continue;
    found = pod;
    least = count;
  }
  return found;
}

function begin(state: State, request: number, pod: number): void {
  const { requests, service, departures, tally, now } = state;
  const arrival = requests.arrivals[request] ?? 0;
  const works = (requests.serviceTimes[request] ?? 0) * stretchOf(service, state.busySlots);
  const response = now + works - arrival;
  if (response > service.objectiveSeconds) noteOver(tally, arrival, 1);
  departures.add(now + works, pod, response);
}

function setBusy(state: State, pod: number, count: number): void {
  const { busy, busySince, busyBefore, now } = state;
  const before = busy[pod] ?? 0;
  busyBefore[pod] = (busyBefore[pod] ?? 0) + before * (now - (busySince[pod] ?? now));
  busySince[pod] = now;
  busy[pod] = count;
  state.busySlots += count - before;
}

function depart(state: State): void {
  const { departures, fleet, busy } = state;
  const pod = departures.take();
  state.finished++;
  state.responseSeconds += departures.response;
  const isDraining = fleet.states[pod] === podStates.draining;
  if (!isDraining && state.head < state.arrived) {
    begin(state, state.head++, pod);
    return;
  }
  setBusy(state, pod, (busy[pod] ?? 1) - 1);
  if (isDraining && busy[pod] === 0) end(fleet, pod, state.now);
}

function serve(state: State): void {
  const { fleet, busy, busySince, busyBefore, slots } = state;
  const pod = becomeReady(fleet);
  busyBefore[pod] = 0;
  busySince[pod] = state.now;
  while (state.head < state.arrived && (busy[pod] ?? 0) < slots) {
    setBusy(state, pod, (busy[pod] ?? 0) + 1);
    begin(state, state.head++, pod);
  }
}

function look(state: State, autoscaler: Autoscaler): void {
  const { fleet, tally, busy, now } = state;
  const wanted = autoscaler.act(state);
  if (wanted === fleet.asked) return;
  tally.decisions.push([now, wanted]);
  ask(fleet, wanted, now, (pod) => {
    if (busy[pod] === 0) end(fleet, pod, now);
  });
}
