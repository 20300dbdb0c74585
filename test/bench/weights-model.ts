import { Weighing } from '../../operator/levers/load-balancer/weighing.ts';
import { serverKey, type UpstreamServer } from '../../operator/levers/load-balancer/upstreams.ts';
import type { LoadBalancerSettings } from '../../operator/api/load-balancer-settings.ts';
import { createRandom, exponential, lognormal } from '../workload/random.ts';
import { percentile } from './statistics.ts';

/** Six Pods before one nginx, request by request, with nginx's own choice of a Pod and the agent's own weights. */
const podCount = 6;
export const slots = 8;
const meanMs = 100;
const minutes = 40;

export interface Cell {
  readonly name: string;
  /** Of what the Pods can do over the whole run, so that the mean of the load is that: as one of them is away or slower it is more, for a while more than they can do. */
  readonly load: number;
  /** By how much a Pod is slower at that moment; Infinity: it is away. */
  readonly slowness: (pod: number, minute: number) => number;
}

interface Figures {
  readonly p99Ms: number;
  /** Intervals in which any weight changed: each would be a reload where nginx cannot be told. */
  readonly changes: number;
}

type Settings = Pick<LoadBalancerSettings, 'weights' | 'upstreams'>;

/** One run. `settings` undefined: all weigh the same. */
export function runCell(cell: Cell, settings: Settings | undefined, seed: number): Figures {
  const world = new World(cell, settings, seed);
  world.run();
  return { p99Ms: percentile(world.latencies, 0.99), changes: world.changes };
}

interface Pod {
  readonly server: UpstreamServer;
  /** Arrival of each that waits. */
  readonly queue: number[];
  busy: number;
  /** Of smooth weighted round robin. */
  current: number;
  weight: number;
  slowness: number;
}

interface Departure {
  readonly at: number;
  readonly pod: Pod;
  readonly arrivedAt: number;
}

/** What is not measured: weights begin with the load. */
const warmUpMs = 60_000;

class World {
  readonly latencies: number[] = [];
  changes = 0;
  readonly #cell: Cell;
  readonly #settings: Settings | undefined;
  readonly #weighing = new Weighing();
  readonly #random: () => number;
  readonly #arrivals: () => number;
  readonly #pods: readonly Pod[];
  readonly #heap: Departure[] = [];
  #present: readonly Pod[] = [];

  constructor(cell: Cell, settings: Settings | undefined, seed: number) {
    this.#cell = cell;
    this.#settings = settings;
    [this.#random, this.#arrivals] = [createRandom(seed), createRandom(seed + 1_000)];
    this.#pods = Array.from({ length: podCount }, (_, index) => ({
      server: { address: `10.0.0.${index + 1}`, port: 80 },
      queue: [],
      busy: 0,
      current: 0,
      weight: 1,
      slowness: 1,
    }));
  }

  run(): void {
    const gapMs = meanMs / slots / (this.#capacity() * this.#cell.load);
    let nextLook = 0;
    for (let now = 0; now < minutes * 60_000; now += exponential(this.#arrivals) * gapMs) {
      for (; nextLook <= now; nextLook += 1_000) this.#look(nextLook);
      this.#departUntil(now);
      this.#arrive(now);
    }
  }

  /** In Pods that are as fast as usual, over all seconds. */
  #capacity(): number {
    const seconds = minutes * 60;
    let sum = 0;
    for (let second = 0; second < seconds; second += 1)
      for (const index of this.#pods.keys()) sum += 1 / this.#cell.slowness(index, second / 60);
    return sum / seconds;
  }

  #arrive(now: number): void {
    const pod = leastConnections(this.#present);
    if (pod === undefined) throw new Error('a Pod is always there');
    pod.queue.push(now);
    this.#begin(pod, now);
  }

  /** Each second. One that is away ends what it has. */
  #move(now: number): void {
    this.#present = this.#pods.filter((pod, index) => {
      const slowness = this.#cell.slowness(index, now / 60_000);
      if (Number.isFinite(slowness)) pod.slowness = slowness;
      return Number.isFinite(slowness);
    });
  }

  #begin(pod: Pod, now: number): void {
    if (pod.busy >= slots) return;
    const arrivedAt = pod.queue.shift();
    if (arrivedAt === undefined) return;
    pod.busy += 1;
    const ms = lognormal(this.#random, meanMs, 1) * pod.slowness;
    push(this.#heap, { at: now + ms, pod, arrivedAt });
  }

  #departUntil(now: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= now; next = this.#heap[0]) {
      pop(this.#heap);
      const { at, pod, arrivedAt } = next;
      pod.busy -= 1;
      if (arrivedAt > warmUpMs) this.latencies.push(at - arrivedAt);
      const tries = [{ server: serverKey(pod.server), result: 'Served' as const, startMs: arrivedAt, endMs: at }];
      if (this.#settings !== undefined) this.#weighing.note({ upstream: 'workflow', tries });
      this.#begin(pod, at);
    }
  }

  #look(now: number): void {
    this.#move(now);
    if (this.#settings === undefined) return;
    const servers = { workflow: this.#present.map(({ server }) => server) };
    const given = { settings: this.#settings, servers, inForce: {}, lost: 0, replicas: 1, now };
    const weights = new Map(this.#weighing.weigh(given)['workflow']?.map((one) => [serverKey(one), one.weight ?? 1]));
    let changed = false;
    for (const pod of this.#pods) {
      const weight = weights.get(serverKey(pod.server)) ?? pod.weight;
      if (now > 0 && weight !== pod.weight) changed = true;
      pod.weight = weight;
    }
    if (changed) this.changes += 1;
  }
}

/** As ngx_http_upstream_least_conn_module does it: the smallest active / weight, ties by smooth weighted round robin. A million times a run: plain loops. */
function leastConnections(pods: readonly Pod[]): Pod | undefined {
  let [best] = pods;
  if (best === undefined) return undefined;
  for (const pod of pods) if (active(pod) * best.weight < active(best) * pod.weight) best = pod;
  const [least, weight] = [active(best), best.weight];
  let [chosen, total]: [Pod | undefined, number] = [undefined, 0];
  for (const pod of pods) {
    if (active(pod) * weight !== least * pod.weight) continue;
    pod.current += pod.weight;
    total += pod.weight;
    if (chosen === undefined || pod.current > chosen.current) chosen = pod;
  }
  if (chosen !== undefined) chosen.current -= total;
  return chosen;
}

const active = ({ busy, queue }: Pod): number => busy + queue.length;

function push(heap: Departure[], item: Departure): void {
  heap.push(item);
  for (let at = heap.length - 1; at > 0;) {
    const parent = (at - 1) >> 1;
    if (!swapIfLater(heap, parent, at)) return;
    at = parent;
  }
}

function pop(heap: Departure[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  for (let at = 0; ;) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const child = (heap[right]?.at ?? Infinity) < (heap[left]?.at ?? Infinity) ? right : left;
    if (child >= heap.length || !swapIfLater(heap, at, child)) return;
    at = child;
  }
}

/** Whether the one above was later than the one below it, and they changed places. */
function swapIfLater(heap: Departure[], above: number, below: number): boolean {
  const [a, b] = [heap[above], heap[below]];
  if (a === undefined || b === undefined || a.at <= b.at) return false;
  [heap[above], heap[below]] = [b, a];
  return true;
}
