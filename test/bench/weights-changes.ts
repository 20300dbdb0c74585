import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../hack/cluster/ready.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import { weightLabel } from '../../operator/api/annotations.ts';
import type { AgentOfTest } from '../integration/nginx-agent-world.ts';
import type { BenchCluster } from './weights-cluster.ts';
import { startPods } from './weights-pods.ts';

/** Of each kind. */
const count = 60;
const [podCount, slots] = [4, 4];

export interface Pace {
  readonly minutes: number;
  /** Absent: the default, 30 s. */
  readonly minReloadInterval?: '3s';
}
/** What the issue asks for, and all of it ten times as fast. */
export const paces = {
  'ten minutes': { minutes: 10 },
  'a minute': { minutes: 1, minReloadInterval: '3s' },
} as const satisfies Readonly<Record<string, Pace>>;

/** Each with a kept connection of its own, and so much between an answer and the next request. */
const [clients, thinkMs] = [16, 10];

export interface ChangesLine {
  readonly version: NginxVersion;
  readonly loads: number;
  readonly requests: number;
  /** Requests on a kept connection that were not answered. */
  readonly resets: number;
  /** Those that failed again on a connection of their own, and answers of 5xx. */
  readonly failed: number;
}

/** A weight and then a Pod more or less of the Service, over and over, while clients go on asking on the connections that they have. */
export async function runChanges(
  cluster: BenchCluster,
  version: NginxVersion,
  { minutes, minReloadInterval }: Pace,
  signal: AbortSignal,
): Promise<ChangesLine> {
  await using stack = new AsyncDisposableStack();
  const service = `changes-${version.replace('.', '-')}-${minutes}`;
  const pods = stack.use(await startPods(cluster.world, { service, count: podCount, slots }, signal));
  await pods.set(
    Array.from(pods.names, () => 5),
    signal,
  );
  const weights = { mode: 'Static', ...(minReloadInterval === undefined ? {} : { minReloadInterval }) } as const;
  const agent = stack.use(await cluster.agent({ name: service, version, policy: { weights }, slots }));
  await waitUntil('four Pods', () => serves(agent, podCount), { timeoutMs: 180_000, signal });
  const { loads } = await agent.report();
  const stop = new AbortController();
  const asked = Promise.all(Array.from({ length: clients }, () => client(agent.port, stop.signal)));
  const gapMs = (minutes * 60_000) / count / 2;
  const [last = '', ...others] = pods.names.toReversed();
  for (let change = 0; change < count; change += 1) {
    await pods.label(others[change % others.length] ?? '', { [weightLabel]: String(1 + (change % 10)) });
    await pause(gapMs, undefined, { signal });
    await pods.label(last, { app: change % 2 === 1 ? service : `${service}-left` });
    await pause(gapMs, undefined, { signal });
  }
  stop.abort();
  const totals = await asked;
  const sum = (of: (one: Tally) => number): number => totals.reduce((all, one) => all + of(one), 0);
  return {
    version,
    loads: (await agent.report()).loads - loads,
    requests: sum((one) => one.requests),
    resets: sum((one) => one.resets),
    failed: sum((one) => one.failed),
  };
}

const serves = async (agent: AgentOfTest, pods: number): Promise<boolean> =>
  (await agent.report()).loaded?.servers['workflow'] === pods;

interface Tally {
  requests: number;
  resets: number;
  failed: number;
}

async function client(port: number, signal: AbortSignal): Promise<Tally> {
  const tally: Tally = { requests: 0, resets: 0, failed: 0 };
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  while (!signal.aborted) {
    tally.requests += 1;
    let status = await ask(port, kept);
    if (status === undefined) {
      tally.resets += 1;
      status = await ask(port, false);
    }
    if (status === undefined || status >= 500) tally.failed += 1;
    await pause(thinkMs);
  }
  kept.destroy();
  return tally;
}

/** The status; undefined: the connection ended before there was one. */
async function ask(port: number, agent: Agent | false): Promise<number | undefined> {
  try {
    const asked = request({ host: '127.0.0.1', port, path: '/x', agent, timeout: 30_000 });
    const response = once(asked, 'response') as Promise<[IncomingMessage]>;
    asked.end();
    const [incoming] = await response;
    await text(incoming);
    return incoming.statusCode;
  } catch {
    return undefined; // it is counted
  }
}
