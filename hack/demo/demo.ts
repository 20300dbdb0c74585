import { resolve } from 'node:path';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { findCluster, startCluster, type Cluster } from '../cluster/cluster.ts';
import { progressOn, type Progress } from '../cluster/progress.ts';
import { waitUntil } from '../cluster/ready.ts';
import { claims, type Claim, type Ending } from './claims.ts';
import { declare, hasCrds, install, isLeftBehind, uninstall } from './install.ts';
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

const pictureFolder = resolve(import.meta.dirname, '../../.cache/demo');

/** From nothing to a scaled workload and a tuned Redis, and back. @returns Whether everything that it claims happened. */
export async function demo(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  const started = performance.now();
  const { out } = options;
  const progress = progressOn(out);
  out.write('genops demo: one command, a real Kubernetes, a real Redis, real load\n\nset up\n');
  let isKept = false;
  await using stack = new AsyncDisposableStack();
  const { cluster, isOurs } = await ensureCluster(stack, progress, () => isKept, signal);
  const programs = programsOf(cluster);
  await clearLeftBehind(programs, progress, signal);
  const keepCrds = await hasCrds(programs, signal);
  stack.defer(async () => {
    if (isKept || isOurs) return; // with the cluster everything in it goes
    out.write('\nclean up\n');
    await uninstall({ programs, progress }, { keepCrds }, AbortSignal.timeout(120_000));
  });
  await install({ cluster, programs, progress }, options, signal);

  const kube = stack.use(connectKube(loadConfig({ kubeconfig: cluster.kubeconfigPath }), { userAgent: 'genops-demo' }));
  const played = await run({ kube, programs, progress }, out, signal);
  const results = claims(played, await ending(played, { kube, programs }, signal));
  const pictures = await progress.step('picture drawn', () =>
    drawPicture(
      played,
      results.every(({ holds }) => holds),
      pictureFolder,
    ),
  );
  out.write(verdict(results, { pictures, seconds: (performance.now() - started) / 1000 }));
  isKept = options.keep;
  if (isKept) out.write(lookAround(cluster));
  return results.every(({ holds }: Claim) => holds);
}

/** A cluster that was up stays up. */
async function ensureCluster(
  stack: AsyncDisposableStack,
  progress: Progress,
  isKept: () => boolean,
  signal: AbortSignal,
): Promise<{ readonly cluster: Cluster; readonly isOurs: boolean }> {
  const found = await findCluster('default', signal);
  if (found !== undefined) {
    progress.line(`  cluster: up already (${found.kubeconfigPath})`);
    return { cluster: found, isOurs: false };
  }
  const cluster = await progress.step('cluster up', () => startCluster({ progress }, signal));
  stack.defer(async () => {
    if (!isKept()) await progress.step('cluster down', () => cluster.stop());
  });
  return { cluster, isOurs: true };
}

async function clearLeftBehind(programs: Programs, progress: Progress, signal: AbortSignal): Promise<void> {
  if (!(await isLeftBehind(programs, signal))) return;
  progress.line('  an earlier demo is still here');
  await uninstall({ programs, progress }, { keepCrds: false }, signal);
}

interface RunDeps {
  readonly kube: Kube;
  readonly programs: Programs;
  readonly progress: Progress;
}

async function run(
  { kube, programs, progress }: RunDeps,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<Played> {
  const before = await takeSnapshot({ kube }, signal);
  await progress.step('config/samples/demo.yaml applied, Ready, Redis tuned, HPA made', async () => {
    await declare(programs, signal);
    await waitUntil('a Ready GenerationService', async (within) => isAtWork(await takeSnapshot({ kube }, within)), {
      timeoutMs: 60_000,
      signal,
    });
  });
  const first = await takeSnapshot({ kube }, signal);
  out.write(`\nload rises and falls; ${names.workloads}/${names.service} is left to the operator\n`);
  return play({ first, redisBefore: before.redis }, { kube, programs, screen: screenOn(out) }, signal);
}

function isAtWork({ service, redis, autoscaler }: Snapshot): boolean {
  const holds = (wanted: string): boolean =>
    service?.conditions?.some(({ type, status }) => type === wanted && status === 'True') === true;
  return holds('Ready') && holds('MetricsAvailable') && isTuned(redis) && autoscaler !== undefined;
}

async function ending(
  { load }: Played,
  { kube, programs }: Pick<RunDeps, 'kube' | 'programs'>,
  signal: AbortSignal,
): Promise<Ending> {
  const rescales = await programs.kubectl(
    [
      'get',
      'events',
      '-n',
      names.workloads,
      '--field-selector=reason=SuccessfulRescale',
      '--sort-by=.metadata.creationTimestamp',
      '-o',
      'jsonpath={range .items[*]}{.message}{"\\n"}{end}',
    ],
    signal,
  );
  return {
    load,
    rescales: rescales.split('\n').filter((text) => text !== ''),
    driftCounted: await driftCount(kube, signal),
  };
}

/** What the operator's own /metrics says. */
async function driftCount(kube: Kube, signal: AbortSignal): Promise<number> {
  const query = { namespace: names.operator, labelSelector: 'app.kubernetes.io/name=genops' };
  const pods = await kube.list(podResource, query, signal);
  const within = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
  const counts = pods.map(async ({ status }) => {
    const page = await fetch(`http://${status?.podIP ?? ''}:8080/metrics`, { signal: within });
    return Number(/^genops_drift_total\{lever="redis"\} (\d+)$/m.exec(await page.text())?.[1] ?? 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
