import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { workloadManifests } from '../../test/workload/manifests.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Progress } from '../cluster/progress.ts';
import { buildImage } from '../image/build.ts';
import { operatorImage } from '../image/operator.ts';
import { postgresImage } from '../image/postgres.ts';
import { redisImage } from '../image/redis.ts';
import { workloadImage } from '../image/workload.ts';
import type { Programs } from './programs.ts';
import { environment, names } from './story.ts';

const checkout = resolve(import.meta.dirname, '../..');
const crds = ['generationservices.genops.dev', 'performancepolicies.genops.dev'];

/** On each namespace that a demo made: nothing is deleted in one that has it not. */
const mark = 'genops.dev/demo';
const namespaces = [names.workloads, names.operator];

export interface InstallDeps {
  readonly cluster: Cluster;
  readonly programs: Programs;
  readonly progress: Progress;
}

/** @throws Error where a namespace of ours is there and no demo made it. */
export async function refuseForeign(programs: Programs, signal: AbortSignal): Promise<void> {
  const [there, made] = [await existing(programs, [], signal), await madeByDemo(programs, signal)];
  const foreign = there.filter((name) => !made.includes(name));
  if (foreign.length === 0) return;
  throw new Error(
    `saw namespace ${foreign.join(' and ')} in this cluster, which no demo made; wanted to make it; nothing was changed; next: take another cluster (make cluster-down, or unset GENOPS_TEST_KUBECONFIG)`,
  );
}

/** The images of workload, servers and operator, from the cache where they are there. */
export async function loadImages(
  { cluster, progress }: Pick<InstallDeps, 'cluster' | 'progress'>,
  signal: AbortSignal,
): Promise<void> {
  await progress.step('images built and loaded', async () => {
    for (const describeImage of [redisImage, postgresImage, workloadImage, operatorImage]) {
      const { tarPath } = await buildImage(await describeImage(signal), signal);
      await cluster.loadImage(tarPath, signal);
    }
  });
}

/**
 * Everything else a user does before the first load: namespaces, operator, workload. The GenerationService follows in `declare`.
 *
 * @throws Error where a namespace of ours is there already.
 */
export async function install(
  { programs, progress }: Omit<InstallDeps, 'cluster'>,
  { metricsApi }: { readonly metricsApi: boolean },
  signal: AbortSignal,
): Promise<void> {
  const step = (name: string, work: () => Promise<unknown>): Promise<unknown> => progress.step(name, work);
  await step('namespaces, both at pod security level restricted', () => createNamespaces(programs, signal));
  await step('reference workload, its Redis, PostgreSQL and model started', async () => {
    await programs.kubectl(['apply', '-f', '-'], signal, JSON.stringify(await workloads()));
    await programs.kubectl(
      ['set', 'env', `deployment/${names.deployment}`, '-n', names.workloads, ...environment],
      signal,
    );
    for (const what of [
      'statefulset/redis',
      'statefulset/postgres',
      'deployment/model',
      `deployment/${names.deployment}`,
    ])
      await programs.kubectl(rollout(what, names.workloads), signal);
  });
  await step('CRDs of this checkout applied (Helm leaves older ones as they are)', () =>
    programs.kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(checkout, 'crds')], signal),
  );
  await step('operator installed by its chart', () => programs.helm(helmInstall(metricsApi), signal));
}

/** The sample policy and GenerationService, as a user applies them. */
export async function declare(programs: Programs, signal: AbortSignal): Promise<void> {
  await programs.kubectl(['apply', '-f', join(checkout, 'config/samples/demo.yaml')], signal);
}

async function hasCrds(programs: Programs, signal: AbortSignal): Promise<boolean> {
  return (await programs.kubectl(['get', 'crd', ...crds, '--ignore-not-found', '-o', 'name'], signal)) !== '';
}

/**
 * Takes away again what is in namespaces that a demo made, in the order in which nothing is left behind.
 * The CRDs stay: with them every GenerationService and PerformancePolicy of other namespaces would go.
 */
export async function uninstall(
  { programs, progress }: Pick<InstallDeps, 'programs' | 'progress'>,
  signal: AbortSignal,
): Promise<void> {
  await progress.step('operator and namespaces removed, CRDs left', async () => {
    const wait = ['--ignore-not-found', '--timeout=60s'];
    const made = await madeByDemo(programs, signal);
    const all = ['--all', '-n', names.workloads];
    if (made.includes(names.workloads) && (await hasCrds(programs, signal)))
      await programs.kubectl(['delete', 'gensvc,perf', ...all, ...wait], signal);
    if (made.includes(names.operator)) {
      const release = ['uninstall', names.release, '-n', names.operator, '--ignore-not-found'];
      await programs.helm([...release, '--wait', '--timeout=60s'], signal);
    }
    // A namespace that still has Pods looks again only after half of their grace period.
    if (made.includes(names.workloads))
      await programs.kubectl(['delete', 'deployment,statefulset', ...all, '--cascade=foreground', ...wait], signal);
    if (made.length > 0) await programs.kubectl(['delete', 'namespace', ...made, ...wait], signal);
  });
}

/** Those of our namespaces that bear the mark: an earlier demo was kept or killed, or this one has come so far. */
export async function madeByDemo(programs: Programs, signal: AbortSignal): Promise<readonly string[]> {
  return existing(programs, ['-l', mark], signal);
}

/** @param selector `-l label`, or nothing for all. kubectl takes no names beside a selector. */
async function existing(
  programs: Programs,
  selector: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await programs.kubectl(['get', 'namespace', ...selector, '-o', 'name'], signal);
  const lines = new Set(found.split('\n'));
  return namespaces.filter((name) => lines.has(`namespace/${name}`));
}

async function createNamespaces(programs: Programs, signal: AbortSignal): Promise<void> {
  const items = namespaces.map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted', [mark]: 'true' } },
  }));
  await programs.kubectl(['create', '-f', '-'], signal, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

async function workloads(): Promise<object> {
  const items = [adminSecret(), ...(await workloadManifests(names.workloads, { withBackends: true }))];
  return { apiVersion: 'v1', kind: 'List', items };
}

/** What the operator and the workload know of each other. Nobody else has ever seen it. */
const adminSecret = (): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: names.workloads, name: names.adminSecret },
  stringData: { key: randomBytes(32).toString('hex') },
});

const rollout = (what: string, namespace: string): readonly string[] => [
  'rollout',
  'status',
  what,
  '-n',
  namespace,
  '--timeout=90s',
];

function helmInstall(metricsApi: boolean): readonly string[] {
  const values = [
    'image.tag=dev',
    `secretAccess[0].namespace=${names.workloads}`,
    'secretAccess[0].names[0]=redis',
    'secretAccess[0].names[1]=postgres',
    `secretAccess[0].names[2]=${names.adminSecret}`,
    `metricsAPI.enabled=${metricsApi}`,
  ];
  const chart = join(checkout, 'charts/genops');
  const place = ['install', names.release, chart, '-n', names.operator, '--wait', '--timeout=90s'];
  return [...place, ...values.flatMap((value) => ['--set', value])];
}
