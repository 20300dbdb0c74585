import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import { podWork, type DoneRequest } from '../../decide/pod-work.ts';
import { firstMemory, noWork, weigh, type PodWeight, type Weighed } from '../../decide/weights.ts';
import type { LoggedRequest } from './request-log.ts';
import { serverKey, type ServersByUpstream, type UpstreamServer } from './upstreams.ts';

export interface WeighingInput {
  readonly settings: Pick<LoadBalancerSettings, 'weights' | 'upstreams'>;
  readonly servers: ServersByUpstream;
  /** With weights of an earlier life of this agent. */
  readonly inForce: ServersByUpstream;
  /** Requests of which nothing was heard, since the beginning. */
  readonly lost: number;
  /** How many nginx share the requests. */
  readonly replicas: number;
  /** ms of one clock, as all times here. */
  readonly now: number;
}

/** A Pod as it was weighed last. */
export interface WeighedPod extends Pick<PodWeight, 'memory'> {
  readonly uid: string | undefined;
  /** Undefined: it was not weighed yet. */
  readonly last: Pick<PodWeight, 'why' | 'target'> | undefined;
}

interface Upstream {
  readonly pods: ReadonlyMap<string, WeighedPod>;
  readonly last: Pick<Weighed, 'busyRatio' | 'effect'> | undefined;
}

/** Of one server: what ended since the last look, and in the interval before it. */
interface Done {
  now: DoneRequest[];
  before: readonly DoneRequest[];
}

/** More of an upstream in an interval are not kept, and told as lost. */
const mostRequests = 100_000;
/** Of what nginx told; where more is lost nobody knows what was under way at once. */
const mostLost = 0.1;

/** Adaptive weights of all upstreams, from what nginx tells of each request. */
export class Weighing {
  #done = new Map<string, Map<string, Done>>();
  #upstreams = new Map<string, Upstream>();
  #lookedAt: number | undefined;
  #kept = 0;
  #notKept = 0;
  /** At the last look; undefined: there was none, and what was lost earlier is no matter of ours. */
  #lostBefore: number | undefined;

  note({ upstream, tries }: LoggedRequest): void {
    if (this.#kept === mostRequests) return void (this.#notKept += 1);
    this.#kept += 1;
    const servers = this.#done.get(upstream) ?? new Map<string, Done>();
    this.#done.set(upstream, servers);
    for (const { server, result, startMs, endMs } of tries) {
      const done = servers.get(server) ?? { now: [], before: [] };
      servers.set(server, done);
      done.now.push({ result, startMs, endMs });
    }
  }

  /** The servers with the weights of now; reckoned anew where their interval is over. */
  weigh(input: WeighingInput): ServersByUpstream {
    const { settings, servers, lost, now } = input;
    const { upstreams, weights } = settings;
    const names = upstreams.map(({ name }) => name);
    this.#upstreams = new Map(names.map((name) => [name, this.#withPods(name, input)]));
    this.#lookedAt ??= now;
    this.#lostBefore ??= lost;
    const elapsedMs = now - this.#lookedAt;
    if (elapsedMs >= weights.intervalMs) this.#look(input, elapsedMs);
    return Object.fromEntries(
      names.map((name) => [name, (servers[name] ?? []).map((server) => this.#weighted(name, server))]),
    );
  }

  /** When the next look is due, in ms. */
  dueInMs({ weights }: Pick<LoadBalancerSettings, 'weights'>, now: number): number {
    return Math.max((this.#lookedAt ?? now) + weights.intervalMs - now, 0);
  }

  /** Why, of each upstream and each of its servers. */
  last(upstream: string): Upstream | undefined {
    return this.#upstreams.get(upstream);
  }

  #weighted(upstream: string, server: UpstreamServer): UpstreamServer {
    const weight = this.#upstreams.get(upstream)?.pods.get(serverKey(server))?.memory.weight;
    return weight === undefined ? server : { ...server, weight };
  }

  /** Those that are there now: one that has come to others begins slowly, whoever had its address before. */
  #withPods(name: string, { settings: { weights }, servers, inForce, now }: WeighingInput): Upstream {
    const { pods, last } = this.#upstreams.get(name) ?? { pods: new Map<string, WeighedPod>(), last: undefined };
    const kept = new Map((inForce[name] ?? []).map((server) => [serverKey(server), server]));
    const isFirst = pods.size === 0 && kept.size === 0;
    const found = (servers[name] ?? []).map((server): [string, WeighedPod] => {
      const [key, uid] = [serverKey(server), server.pod?.uid];
      const known = pods.get(key);
      if (known?.uid === uid && known !== undefined) return [key, known];
      this.#done.get(name)?.delete(key); // what was done there is another's work
      const before = pods.size === 0 ? kept.get(key) : undefined;
      const isKept = before !== undefined && before.pod?.uid === uid;
      const comesTo = isFirst || isKept ? undefined : { effect: last?.effect ?? 1 };
      const memory = firstMemory(weights, now, comesTo);
      return [
        key,
        { uid, memory: isKept ? { ...memory, weight: before.weight ?? memory.weight } : memory, last: undefined },
      ];
    });
    return { pods: new Map(found), last };
  }

  #look({ settings: { upstreams, weights }, lost, replicas, now }: WeighingInput, elapsedMs: number): void {
    const missing = lost - (this.#lostBefore ?? lost) + this.#notKept;
    const hasGaps = missing > mostLost * (this.#kept + missing);
    for (const { name, slots: declared } of upstreams) {
      const { pods } = this.#upstreams.get(name) ?? { pods: new Map<string, WeighedPod>() };
      const slots = declared / replicas;
      const weighed = weigh({
        policy: weights,
        slots,
        pods: [...pods].map(([id, { memory }]) => ({ id, memory, work: this.#workOf(name, id, slots) })),
        elapsedMs,
        hasGaps,
        now,
      });
      this.#upstreams.set(name, remembered(weighed, pods));
      this.#forget(name, pods);
    }
    this.#lookedAt = now;
    this.#lostBefore = lost;
    [this.#kept, this.#notKept] = [0, 0];
  }

  #workOf(upstream: string, server: string, slots: number) {
    const done = this.#done.get(upstream)?.get(server);
    return done === undefined ? noWork : podWork(done.now, done.before, slots);
  }

  /** What ended in this interval may have been under way beside what ends in the next. */
  #forget(upstream: string, pods: ReadonlyMap<string, WeighedPod>): void {
    const servers = this.#done.get(upstream) ?? new Map<string, Done>();
    const left = [...servers].filter(([server]) => pods.has(server));
    this.#done.set(upstream, new Map(left.map(([server, { now }]) => [server, { now: [], before: now }])));
  }
}

function remembered({ pods, busyRatio, effect }: Weighed, before: ReadonlyMap<string, WeighedPod>): Upstream {
  const entries = pods.map(({ id, memory, why, target }): [string, WeighedPod] => [
    id,
    { uid: before.get(id)?.uid, memory, last: { why, target } },
  ]);
  return { pods: new Map(entries), last: { busyRatio, effect } };
}
