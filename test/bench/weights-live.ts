import { waitUntil } from '../../hack/cluster/ready.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import type { AgentOfTest } from '../integration/nginx-agent-world.ts';
import { constant } from '../workload/load/profile.ts';
import { parseRequest } from '../workload/load/requests.ts';
import { runLoad, type LoadSummary } from '../workload/load/run.ts';
import { median } from './statistics.ts';
import type { BenchCluster } from './weights-cluster.ts';
import { startPods, type BenchPods } from './weights-pods.ts';

type Policy = NonNullable<PolicySpec['loadBalancer']>;

/** Five times as fast as the defaults. */
const quick = { interval: '6s', slowStart: '12s', staleAfter: '36s', minReloadInterval: '6s' } as const;
/** All at the same time, each before three Pods of its own and with requests at the same moments: what the machine does to one it does to all. */
const contestants: Readonly<Record<string, Policy>> = {
  'round robin': { upstream: { method: 'RoundRobin' }, weights: { mode: 'Equal' } },
  least_conn: { weights: { mode: 'Equal' } },
  least_time: { upstream: { method: 'LeastTime' }, weights: { mode: 'Equal' } },
  'least_conn, weights': { weights: quick },
};
/** nginx 1.22 has no least_time. */
const namesFor = (version: NginxVersion): readonly string[] =>
  Object.keys(contestants).filter((name) => version !== '1.22' || name !== 'least_time');
const podsOfEach = 3;
const slots = 4;
const [usualMs, slowMs] = [160, 480];
/** 63 % of what two Pods and a slow one can do, 49 % of three. */
const perSecond = 37;
const [leadInSeconds, seconds] = [40, 60];

export interface LiveLine {
  readonly contestant: string;
  readonly slow: Phase;
  readonly recovering: Phase;
  /** Of its nginx, in all rounds, as what follows. */
  readonly loads: number;
  readonly failures: Failures;
}

interface Failures {
  /** Requests whose connection ended before they were answered; none is sent again. */
  readonly resets: number;
  /** Answers of 5xx, none in time, and requests that were not sent for want of room. */
  readonly errors: number;
}

/** Medians of all rounds. */
interface Phase {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the rounds, the least and the greatest. */
  readonly p99Range: readonly [number, number];
  readonly share: number;
}

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: Failures;
  /** Of the third Pod. */
  readonly share: number;
}

/** One of three Pods three times as slow, then as fast again, so many times; the median counts. */
export async function runLive(
  cluster: BenchCluster,
  version: NginxVersion,
  rounds: number,
  signal: AbortSignal,
): Promise<readonly LiveLine[]> {
  await using stack = new AsyncDisposableStack();
  const names = namesFor(version);
  const sides: Side[] = [];
  for (const [index, name] of names.entries()) {
    const service = `live-${version.replace('.', '-')}-${index}`;
    const pods = stack.use(await startPods(cluster.world, { service, count: podsOfEach, slots }, signal));
    const policy = contestants[name] ?? {};
    sides.push({ pods, agent: stack.use(await cluster.agent({ name: service, version, policy, slots })) });
  }
  for (const { agent } of sides)
    await waitUntil('three Pods', async () => (await agent.report()).loaded?.servers['workflow'] === podsOfEach, {
      timeoutMs: 180_000,
      signal,
    });
  const loadsOf = () => Promise.all(sides.map(async ({ agent }) => (await agent.report()).loads));
  const before = await loadsOf();
  const results: (readonly Phases[])[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await takeRound(sides, round, signal));
  const after = await loadsOf();
  return names.map((contestant, index) => ({
    contestant,
    loads: (after[index] ?? NaN) - (before[index] ?? NaN),
    ...phasesOf(results.flatMap((round) => round[index] ?? [])),
  }));
}

/** A contestant: its nginx, and the Pods that only this one has. */
interface Side {
  readonly agent: AgentOfTest;
  readonly pods: BenchPods;
}

interface Phases {
  /** Before it is measured. */
  readonly first: Failures;
  readonly slow: Measured;
  readonly recovering: Measured;
}

/** How many requests each Pod of each contestant was sent since the last time. */
const setThird = (
  sides: readonly Side[],
  thirdMs: number,
  signal: AbortSignal,
): Promise<readonly (readonly number[])[]> =>
  Promise.all(sides.map(({ pods }) => pods.set([usualMs, usualMs, thirdMs], signal)));

async function takeRound(sides: readonly Side[], round: number, signal: AbortSignal): Promise<readonly Phases[]> {
  await setThird(sides, slowMs, signal);
  const first = await loadAll(sides, leadInSeconds, 3 * round, signal);
  await setThird(sides, slowMs, signal);
  const slow = await measureAll(sides, 3 * round + 1, signal);
  const recovering = await measureAll(sides, 3 * round + 2, signal);
  return first.map((load, index) => {
    const [one, other] = [slow[index], recovering[index]];
    if (one === undefined || other === undefined) throw new Error('each contestant is measured');
    return { first: failuresOf(load), slow: one, recovering: other };
  });
}

/** The third Pod is as fast as the others when it ends. */
async function measureAll(sides: readonly Side[], seed: number, signal: AbortSignal): Promise<readonly Measured[]> {
  const loads = await loadAll(sides, seconds, seed, signal);
  const taken = await setThird(sides, usualMs, signal);
  return loads.map((load, index) => {
    const own = taken[index] ?? [];
    return {
      p50Ms: load.latency?.p50Ms ?? NaN,
      p99Ms: load.latency?.p99Ms ?? NaN,
      failures: failuresOf(load),
      share: (own[2] ?? 0) / own.reduce((sum, count) => sum + count, 0),
    };
  });
}

const loadAll = (sides: readonly Side[], forSeconds: number, seed: number, signal: AbortSignal) =>
  Promise.all(
    sides.map(({ agent }) =>
      runLoad(
        {
          profile: constant(perSecond, forSeconds),
          seed: seed + 1,
          targets: () => [`http://127.0.0.1:${agent.port}`],
          requests: [parseRequest('GET /x')],
          maxInFlight: 10_000,
        },
        signal,
      ),
    ),
  );

const failuresOf = ({ errors, refused, failures }: LoadSummary): Failures => ({
  resets: failures.Connection,
  errors: errors + refused - failures.Connection,
});

function phasesOf(rounds: readonly Phases[]): Pick<LiveLine, 'slow' | 'recovering' | 'failures'> {
  const all = rounds.flatMap(({ first, slow, recovering }) => [first, slow.failures, recovering.failures]);
  const sum = (kind: keyof Failures): number => all.reduce((total, one) => total + one[kind], 0);
  return {
    slow: phaseOf(rounds.map(({ slow }) => slow)),
    recovering: phaseOf(rounds.map(({ recovering }) => recovering)),
    failures: { resets: sum('resets'), errors: sum('errors') },
  };
}

function phaseOf(rounds: readonly Measured[]): Phase {
  const p99s = rounds.map(({ p99Ms }) => p99Ms);
  return {
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(p99s),
    p99Range: [Math.min(...p99s), Math.max(...p99s)],
    share: median(rounds.map(({ share }) => share)),
  };
}
