import { slackOf } from '../decide/lookahead/staffing.ts';
import { below } from './normal.ts';
import type { Outcome } from './outcome.ts';
import { withinBounds, type Service } from './service.ts';
import { lengthSeconds, type Trace } from './trace.ts';
import type { Autoscaler } from './world.ts';

/** Load is known, and replicas are asked for, by as many seconds. */
const cellSeconds = 5;
/** Replicas for a load of m slots are those of m + β√m: the βs that are tried, from too few on. */
const spares = Array.from({ length: 17 }, (_, index) => index / 4 - 1);
/** What it keeps within, where all the replicas that there may be can: a share over the objective. */
const tolerated = 0.01;

/**
 * Somebody who knows every arrival before it comes: the cheapest of a family of schedules that keeps within 1 % over the objective, or near what the most replicas can do. A reference, not a bound.
 *
 * Each schedule follows the load that unlimited replicas would have, averaged over what a request may wait, with β√load to spare, as early as a Pod takes to start.
 * A search: it yields an autoscaler to be tried over the same load, is told how that went, and returns how the best one did.
 */
export function* searchOracle(trace: Trace, service: Service): Generator<Autoscaler, Outcome, Outcome> {
  const most = yield scheduled(Float64Array.of(service.maxReplicas * service.slots), service, 0);
  const limit = Math.max(tolerated, 1.05 * most.overRatio + 0.001);
  const load = busySlots(trace, service);
  const slack = slackOf(service.serviceSeconds, service.objectiveSeconds, service.serviceCv);
  let best = most;
  for (const seconds of [cellSeconds, slack, 2 * slack]) {
    const smooth = averaged(load, Math.max(1, Math.round(seconds / cellSeconds)));
    for (let [low, high] = [0, spares.length - 1]; low <= high;) {
      const middle = (low + high) >> 1;
      const outcome = yield scheduled(smooth, service, spares[middle] ?? 0);
      const isDear = outcome.replicaHours >= best.replicaHours;
      const isEnough = outcome.overRatio <= limit;
      if (isEnough && !isDear) best = outcome;
      if (isEnough || isDear) high = middle - 1;
      else low = middle + 1;
    }
  }
  return best;
}

/** Asks for the greatest of what is needed until a Pod that is asked for now has started, whenever that is another number. */
function scheduled(load: Float64Array, service: Service, spare: number): Autoscaler {
  const ahead = Math.ceil((1.1 * service.startUpSeconds) / cellSeconds);
  const needed = new Uint16Array(load.length);
  for (let cell = 0; cell < load.length; cell++) {
    const slots = load[cell] ?? 0;
    needed[cell] = withinBounds(Math.ceil((slots + spare * Math.sqrt(slots)) / service.slots - 1e-9), service);
  }
  const asked = greatestAhead(needed, ahead);
  let cell = 0;
  return {
    name: 'oracle',
    get nextAt() {
      return cell < asked.length ? cell * cellSeconds : Infinity;
    },
    act() {
      const replicas = asked[cell] ?? service.maxReplicas;
      while (cell < asked.length && asked[cell] === replicas) cell++;
      return replicas;
    },
  };
}

function greatestAhead(values: Uint16Array, ahead: number): Uint16Array {
  return values.map((value, cell) => {
    let greatest = value;
    for (let next = cell + 1; next <= cell + ahead && next < values.length; next++)
      greatest = Math.max(greatest, values[next] ?? 0);
    return greatest;
  });
}

/** Slots that are busy on average in each cell where nobody ever waits. */
function busySlots(trace: Trace, service: Service): Float64Array {
  const { serviceSeconds, serviceCv } = service;
  const arrived = arrivalsByCell(trace);
  const shares: number[] = []; // of a cell that a request of so many cells ago keeps a slot busy
  for (let cell = 0; ; cell++) {
    const [from, to] = [Math.max(0, cell - 0.5), cell + 0.5].map((end) =>
      workWithin(end * cellSeconds, serviceSeconds, serviceCv),
    ) as [number, number];
    shares.push((to - from) / cellSeconds);
    if (to > 0.999 * serviceSeconds) break;
  }
  return arrived.map((_, cell) => {
    let busy = 0;
    for (let ago = 0; ago < shares.length; ago++) busy += (shares[ago] ?? 0) * (arrived[cell - ago] ?? 0);
    return busy;
  });
}

/** How long lognormal service times go on within their first `seconds`, on average. */
function workWithin(seconds: number, mean: number, cv: number): number {
  if (seconds <= 0) return 0;
  const variance = Math.log(1 + cv * cv);
  const z = (Math.log(seconds / mean) + variance / 2) / Math.sqrt(variance);
  return mean * below(z - Math.sqrt(variance)) + seconds * below(-z);
}

function arrivalsByCell(trace: Trace): Float64Array {
  const { stepSeconds, counts } = trace;
  const cells = new Float64Array(Math.ceil(lengthSeconds(trace) / cellSeconds));
  for (const [step, count] of counts.entries()) {
    const [from, to] = [step * stepSeconds, (step + 1) * stepSeconds];
    for (let cell = Math.floor(from / cellSeconds); cell * cellSeconds < to; cell++) {
      const within = Math.min(to, (cell + 1) * cellSeconds) - Math.max(from, cell * cellSeconds);
      cells[cell] = (cells[cell] ?? 0) + (count * within) / stepSeconds;
    }
  }
  return cells;
}

/** Means of the newest `count` cells. */
function averaged(values: Float64Array, count: number): Float64Array {
  let sum = 0;
  return values.map((value, cell) => {
    sum += value - (cell >= count ? (values[cell - count] ?? 0) : 0);
    return Math.max(0, sum) / Math.min(count, cell + 1);
  });
}
