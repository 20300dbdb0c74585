import { waitUntil } from '../../hack/cluster/ready.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { sliceOf, type AgentOfTest } from '../integration/nginx-agent-world.ts';
import { constant } from '../workload/load/profile.ts';
import { parseRequest } from '../workload/load/requests.ts';
import { runLoad } from '../workload/load/run.ts';
import { median } from './statistics.ts';
import type { BenchCluster, BenchPods } from './weights-cluster.ts';

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
/** 64 % of what two Pods and a slow one can do, 50 % of three. */
const perSecond = 37;
const [leadInSeconds, seconds] = [40, 60];

export interface LiveLine {
  readonly contestant: string;
  readonly slow: { readonly p50Ms: number; readonly p99Ms: number; readonly share: number };
  readonly recovering: { readonly p99Ms: number; readonly share: number };
  readonly errors: number;
}

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
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
  const pods = stack.use(await cluster.pods(timesOf(names, usualMs)));
  const agents: AgentOfTest[] = [];
  for (const [index, name] of names.entries()) {
    const service = `live-${version.replace('.', '-')}-${index}`;
    const policy = contestants[name] ?? {};
    agents.push(stack.use(await cluster.agent({ name: service, version, policy, slots }, signal)));
    for (const [at, port] of pods.ports.slice(podsOfEach * index, podsOfEach * (index + 1)).entries())
      await cluster.applySlice(sliceOf(service, { name: `${service}-${at}`, port }), signal);
  }
  for (const agent of agents)
    await waitUntil('three Pods', async () => (await agent.report()).loaded?.servers['workflow'] === podsOfEach, {
      timeoutMs: 120_000,
      signal,
    });
  const results: (readonly Phases[])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const times = (thirdMs: number) => timesOf(names, thirdMs);
    results.push(await takeRound({ agents, pods, times }, round, signal));
  }
  return names.map((contestant, index) =>
    lineOf(
      contestant,
      results.flatMap((round) => round[index] ?? []),
    ),
  );
}

/** The third Pod of each contestant is another than the others. */
const timesOf = (names: readonly string[], thirdMs: number): readonly number[] =>
  names.flatMap(() => Array.from({ length: podsOfEach }, (_, index) => (index === 2 ? thirdMs : usualMs)));

interface Phases {
  readonly slow: Measured;
  readonly recovering: Measured;
}

interface Stage {
  readonly agents: readonly AgentOfTest[];
  readonly pods: BenchPods;
  /** Of all Pods, with such a third one. */
  readonly times: (thirdMs: number) => readonly number[];
}

async function takeRound(
  { agents, pods, times }: Stage,
  round: number,
  signal: AbortSignal,
): Promise<readonly Phases[]> {
  await pods.set(times(slowMs));
  await loadAll(agents, leadInSeconds, 3 * round, signal);
  await pods.set(times(slowMs));
  const slow = await measureAll(agents, 3 * round + 1, signal, () => pods.set(times(usualMs)));
  const recovering = await measureAll(agents, 3 * round + 2, signal, () => pods.set(times(usualMs)));
  return slow.map((one, index) => ({ slow: one, recovering: recovering[index] ?? one }));
}

async function measureAll(
  agents: readonly AgentOfTest[],
  seed: number,
  signal: AbortSignal,
  taken: () => Promise<readonly number[]>,
): Promise<readonly Measured[]> {
  const loads = await loadAll(agents, seconds, seed, signal);
  const counts = await taken();
  return loads.map(({ latency, errors, refused }, index) => {
    const own = counts.slice(podsOfEach * index, podsOfEach * (index + 1));
    return {
      p50Ms: latency?.p50Ms ?? NaN,
      p99Ms: latency?.p99Ms ?? NaN,
      errors: errors + refused,
      share: (own[2] ?? 0) / own.reduce((sum, count) => sum + count, 0),
    };
  });
}

const loadAll = (agents: readonly AgentOfTest[], forSeconds: number, seed: number, signal: AbortSignal) =>
  Promise.all(
    agents.map(({ port }) =>
      runLoad(
        {
          profile: constant(perSecond, forSeconds),
          seed: seed + 1,
          targets: () => [`http://127.0.0.1:${port}`],
          requests: [parseRequest('GET /x')],
          maxInFlight: 10_000,
        },
        signal,
      ),
    ),
  );

function lineOf(contestant: string, rounds: readonly Phases[]): LiveLine {
  const of = (phase: 'slow' | 'recovering', figure: keyof Measured): number =>
    median(rounds.map((round) => round[phase][figure]));
  return {
    contestant,
    slow: { p50Ms: of('slow', 'p50Ms'), p99Ms: of('slow', 'p99Ms'), share: of('slow', 'share') },
    recovering: { p99Ms: of('recovering', 'p99Ms'), share: of('recovering', 'share') },
    errors: rounds.reduce((sum, { slow, recovering }) => sum + slow.errors + recovering.errors, 0),
  };
}
