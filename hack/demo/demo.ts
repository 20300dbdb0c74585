import { resolve } from 'node:path';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { findCluster, startCluster, type Cluster } from '../cluster/cluster.ts';
import { progressOn, type Progress } from '../cluster/progress.ts';
import { waitUntil } from '../cluster/ready.ts';
import { redis } from './account.ts';
import { claims } from './claims.ts';
import { boundedBy, type Bounded } from './deadline.ts';
import { endingOf } from './ending.ts';
import { declare, install, loadImages, madeByDemo, refuseForeign, uninstall } from './install.ts';
import { lookAtMachine, machineWords } from './machine.ts';
import { drawPicture } from './picture.ts';
import { play, type Played } from './play.ts';
import { programsOf, type Programs } from './programs.ts';
import { isTuned } from './record.ts';
import { screenOn } from './screen.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';
import { names } from './story.ts';
import { lookAround, verdict } from './words.ts';

export interface DemoOptions {
  /** Leave everything up. */
  readonly keep: boolean;
  /** The HPA reads requests per second from our custom.metrics API, rather than through its floor. */
  readonly metricsApi: boolean;
  readonly out: NodeJS.WriteStream;
}

/** From when everything is built and loaded to the verdict: with cluster and clean-up it stays under 6 minutes. The load alone takes up to 4. */
const deadlineSeconds = 300;
const pictureFolder = resolve(import.meta.dirname, '../../.cache/demo');

/** From nothing to a scaled workload and a tuned Redis, and back. @returns Whether everything that it claims happened. */
export async function demo(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  const before = await lookAtMachine();
  let allHold = false;
  try {
    allHold = await show(options, signal);
    return allHold;
  } finally {
    const words = allHold || signal.aborted ? undefined : machineWords(before, await lookAtMachine());
    if (words !== undefined) options.out.write(`\n  ${words}\n`);
  }
}

async function show(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  const started = performance.now();
  const { out } = options;
  const progress = progressOn(out, signal);
  const afterwards = progressOn(out); // what is done after Ctrl-C can fail, but not be stopped
  out.write('genops demo: one command, a real Kubernetes, a real Redis, real load\n\nset up\n');
  const isKept = (): boolean => options.keep && !signal.aborted; // also what failed, for a look at it; Ctrl-C is no wish to keep
  await using stack = new AsyncDisposableStack();
  const { cluster, isOurs } = await ensureCluster(stack, { progress, afterwards, keep: options.keep, isKept }, signal);
  const programs = programsOf(cluster);
  await refuseForeign(programs, signal); // before anything is deleted, and before a clean-up is promised
  await clearLeftBehind(programs, progress, signal);
  stack.defer(async () => {
    if (isKept()) out.write(lookAround(cluster)); // also after a failure
    if (isKept() || isOurs) return; // with the cluster everything in it goes
    out.write('\nclean up\n');
    await uninstall({ programs, progress: afterwards }, AbortSignal.timeout(120_000));
  });
  await loadImages({ cluster, progress }, signal);
  const bounded = stack.use(boundedBy(deadlineSeconds, { progress, signal }));
  await install({ programs, progress: bounded.progress }, options, bounded.signal);

  const kube = stack.use(
    connectKube(await loadConfig({ kubeconfig: cluster.kubeconfigPath }), { userAgent: 'genops-demo' }),
  );
  const played = await run({ kube, programs, bounded }, out);
  const results = claims(played, await endingOf(played, { kube, programs }, bounded.signal));
  const allHold = results.every(({ holds }) => holds);
  const pictures = await progress.step('picture drawn', () => drawPicture(played, allHold, pictureFolder));
  out.write(verdict(results, { pictures, seconds: (performance.now() - started) / 1000 }));
  return allHold;
}

interface EnsureDeps {
  readonly progress: Progress;
  readonly afterwards: Progress;
  readonly keep: boolean;
  readonly isKept: () => boolean;
}

/** A cluster that was up stays up. */
async function ensureCluster(
  stack: AsyncDisposableStack,
  { progress, afterwards, keep, isKept }: EnsureDeps,
  signal: AbortSignal,
): Promise<{ readonly cluster: Cluster; readonly isOurs: boolean }> {
  const found = await findCluster({ progress }, signal);
  if (found !== undefined) {
    progress.line(`  cluster: up already (${found.kubeconfigPath})`);
    stack.defer(() => afterwards.line(`  cluster: still up (${found.kubeconfigPath})`));
    return { cluster: found, isOurs: false };
  }
  const cluster = await progress.step('cluster up', () => startCluster({ progress, keep }, signal));
  stack.defer(async () => {
    if (!isKept()) await afterwards.step('cluster down', () => cluster.stop());
  });
  return { cluster, isOurs: true };
}

async function clearLeftBehind(programs: Programs, progress: Progress, signal: AbortSignal): Promise<void> {
  if ((await madeByDemo(programs, signal)).length === 0) return;
  progress.line('  an earlier demo is still here');
  await uninstall({ programs, progress }, signal);
}

interface RunDeps {
  readonly kube: Kube;
  readonly programs: Programs;
  readonly bounded: Bounded;
}

async function run({ kube, programs, bounded }: RunDeps, out: NodeJS.WriteStream): Promise<Played> {
  const { progress, signal } = bounded;
  const before = await firstLook(kube, signal);
  await progress.step('config/samples/demo.yaml applied, Ready, Redis tuned, HPA made', async () => {
    await declare(programs, signal);
    const isAtWork = async (within: AbortSignal): Promise<boolean> => {
      const missing = missingIn(await takeSnapshot({ kube }, within));
      if (missing.length > 0) throw new Error(missing.join('; '));
      return true;
    };
    try {
      await waitUntil('the service at work', isAtWork, { timeoutMs: 60_000, signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw new Error(`the operator’s last words:\n${await lastWords(programs, signal)}`, { cause });
    }
  });
  const first = await takeSnapshot({ kube }, signal);
  out.write(`\nload rises and falls; ${names.workloads}/${names.service} is left to the operator\n`);
  bounded.enter('load, until the replicas have come down');
  return play({ first, redisBefore: before.redis }, { kube, programs, screen: screenOn(out) }, signal);
}

async function lastWords(programs: Programs, signal: AbortSignal): Promise<string> {
  return programs.kubectl(['logs', '-n', names.operator, `deploy/${names.release}`, '--tail=5'], signal);
}

/** Load and account go to the addresses of Pods, which not every cluster lets its host reach. */
async function firstLook(kube: Kube, signal: AbortSignal): Promise<Snapshot> {
  try {
    return await takeSnapshot({ kube }, signal);
  } catch (cause) {
    signal.throwIfAborted();
    const message =
      'saw no answer of the Pods’ addresses from this machine; wanted to send them load; next: use the cluster of this machine itself, as root: GENOPS_CLUSTER_PROVIDER=local make demo';
    throw new Error(message, { cause });
  }
}

/** What there is to wait for before the load may begin, in words. */
function missingIn({ service, redis: settings, autoscaler }: Snapshot): readonly string[] {
  const unmet = (['Ready', 'MetricsAvailable'] as const).flatMap((wanted) => {
    const found = service?.conditions?.find(({ type }) => type === wanted);
    return found?.status === 'True' ? [] : [`${wanted} is ${found?.status ?? 'not there'}: ${found?.message ?? ''}`];
  });
  return [
    ...unmet,
    ...(isTuned(settings) ? [] : [`Redis has ${redis(settings)}`]),
    ...(autoscaler === undefined ? ['there is no HPA'] : []),
  ];
}
