import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { hashOf } from '../../operator/kube/hash.ts';
import type { Key, KubeObject, Manifest } from '../../operator/kube/object.ts';
import { resource, type Resource } from '../../operator/kube/resource.ts';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import {
  configMaps,
  deployments,
  generationServices,
  performancePolicies,
  secrets,
} from '../../operator/reconcilers/kinds.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { consistently, eventually, type Patience } from './eventually.ts';
import { startOperator, type OperatorProcess } from './operator-process.ts';
import { operatorUser } from './rights.ts';

/** GENOPS_CLUSTER names another of the local clusters than the one of `make cluster-up`. */
export const clusterName = (): string => process.env['GENOPS_CLUSTER'] ?? 'default';

/** Where the tests' Kubernetes is: the one that is given, or a local cluster. */
export const kubeconfigPath = (): string => {
  const name = clusterName();
  return (
    process.env['GENOPS_TEST_KUBECONFIG'] ?? `.cache/${name === 'default' ? 'cluster' : `cluster-${name}`}/kubeconfig`
  );
};

type CustomResourceDefinition = KubeObject & { readonly spec: { readonly versions: unknown } };
export const namespaces = resource<KubeObject>({
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
});
export const customResourceDefinitions = resource<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
});
const services = resource<KubeObject>({
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
});
export const events = resource<
  KubeObject & {
    readonly reason: string;
    readonly note?: string;
    readonly type: string;
    readonly regarding: { readonly name: string };
    readonly series?: { readonly count: number };
  }
>({ group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true });

/** The notes of the Events of this reason in the world's namespace, each as often as it was told. */
export const eventNotes = async (
  { kube, namespace, signal }: Pick<World, 'kube' | 'namespace' | 'signal'>,
  reason: string,
): Promise<readonly string[]> =>
  (await kube.list(events, { namespace }, signal)).flatMap(({ note = '', series, ...event }) =>
    event.reason === reason ? Array.from({ length: series?.count ?? 1 }, () => note) : [],
  );

const known: readonly Resource[] = [
  generationServices,
  performancePolicies,
  deployments,
  configMaps,
  secrets,
  horizontalPodAutoscalers,
  services,
];

export interface WorldOptions {
  /** Servers of their own, each with its Secret (`redis`, `redis-2`, …). */
  readonly redis?: readonly Partial<Parameters<typeof startRedis>[0]>[];
  /** Secrets of its own that the operator may read, beside those of `redis`. */
  readonly secrets?: readonly string[];
  /** Flags of the operator; false: none is started. */
  readonly operator?: readonly string[] | false;
}

/** A namespace, servers and an operator of a test's own. Everything is gone at its end, also after a failure. */
export interface World extends AsyncDisposable {
  readonly kube: Kube;
  readonly namespace: string;
  readonly redis: readonly (RedisServer & { readonly secretRef: { readonly name: string } })[];
  /** The operator that runs now. */
  readonly operator: OperatorProcess;
  readonly signal: AbortSignal;
  /** Server-side apply into the namespace, as a person with kubectl. */
  apply(manifest: Manifest & { readonly kind: string }): Promise<void>;
  get<T extends KubeObject>(resource: Resource<T>, name: string): Promise<T | undefined>;
  delete(resource: Resource, name: string): Promise<void>;
  service(name?: string): Promise<GenerationService>;
  /** Waits until the check passes; on a time-out the services' status, the Events and the operator's last log lines are shown. */
  eventually<T>(check: () => T | Promise<T>, patience?: Pick<Patience, 'withinMs'>): Promise<T>;
  consistently(check: () => unknown, forMs: number): Promise<void>;
  /** Starts another operator in the place of the one that is running or was killed. */
  restartOperator(flags?: readonly string[]): Promise<OperatorProcess>;
}

export async function startWorld({
  redis = [],
  secrets: others = [],
  operator = [],
}: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const { signal } = stop;
  const kube = stack.use(
    connectKube(await loadConfig({ kubeconfig: kubeconfigPath() }), { userAgent: 'genops-test', timeoutMs: 60_000 }),
  );
  await installCrds(kube, signal);
  const namespace = `t-${randomBytes(4).toString('hex')}`;
  await kube.create(
    namespaces,
    { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
    {},
    signal,
  );
  stack.defer(() => kube.delete(namespaces, namespace, {}, AbortSignal.timeout(60_000)));
  const keyIn = (name: string): Key => `${namespace}/${name}`;
  const apply: World['apply'] = async (manifest) => {
    const target =
      known.find(({ kind }) => kind === manifest.kind) ??
      (await kube.discover(manifest.apiVersion ?? 'v1', manifest.kind, signal))?.resource;
    if (target === undefined) throw new Error(`the API server knows no ${manifest.kind}`);
    await kube.apply(
      target,
      { ...manifest, metadata: { ...manifest.metadata, namespace } },
      { manager: 'kubectl', force: true },
      signal,
    );
  };
  const servers = [];
  for (const [index, options] of redis.entries()) {
    const server = stack.use(await startRedis({ version: '7.0', ...options }));
    const name = index === 0 ? 'redis' : `redis-${index + 1}`;
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      stringData: { host: '127.0.0.1', port: String(server.port) },
    });
    servers.push(Object.assign(server, { secretRef: { name } }));
  }
  const names = ['redis', ...servers.map(({ secretRef }) => secretRef.name), ...others];
  const { kubeconfig } = stack.use(
    await operatorUser({ kube, namespace, kubeconfig: kubeconfigPath(), secrets: names }, signal),
  );
  let running = operator === false ? undefined : await startOperator({ kubeconfig, namespace, flags: operator });
  stack.defer(async () => running?.[Symbol.asyncDispose]());
  const explain = async (): Promise<string> => explanation(kube, namespace, running);
  const owned = stack.move();
  return {
    kube,
    namespace,
    redis: servers,
    get operator() {
      if (running === undefined) throw new Error('no operator was started');
      return running;
    },
    signal,
    apply,
    get: (of, name) => kube.get(of, keyIn(name), signal),
    delete: (of, name) => kube.delete(of, keyIn(name), {}, signal),
    async service(name = 'generation') {
      const found = await kube.get(generationServices, keyIn(name), signal);
      if (found === undefined) throw new Error(`no GenerationService ${keyIn(name)}`);
      return found;
    },
    eventually: (check, patience) => eventually(check, { ...patience, explain }),
    consistently: (check, forMs) => consistently(check, { forMs, explain }),
    async restartOperator(flags = []) {
      await running?.[Symbol.asyncDispose]();
      running = await startOperator({ kubeconfig, namespace, flags });
      return running;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

let areCrdsInstalled = false;

/** The CRDs of this checkout, looked at once for each test file. Where they are there nothing is asked: the API server compiles every rule of a CRD again for each apply, also for one that changes nothing (0.4 s of CPU). */
async function installCrds(kube: Kube, signal: AbortSignal): Promise<void> {
  if (areCrdsInstalled) return;
  for (const file of ['genops.dev_generationservices.yaml', 'genops.dev_performancepolicies.yaml']) {
    const manifest = parse(await readFile(path.resolve(import.meta.dirname, '../../crds', file), 'utf8')) as Manifest &
      Pick<CustomResourceDefinition, 'spec'>;
    const installed = await kube.get(customResourceDefinitions, manifest.metadata.name, signal);
    if (hashOf(installed?.spec.versions) === hashOf(manifest.spec.versions)) continue;
    await kube.apply(customResourceDefinitions, manifest, { manager: 'genops-test', force: true }, signal);
  }
  await eventually(() =>
    Promise.all(
      [generationServices, performancePolicies].map((of: Resource) => kube.list(of, { namespace: 'default' }, signal)),
    ),
  );
  areCrdsInstalled = true;
}

async function explanation(kube: Kube, namespace: string, operator: OperatorProcess | undefined): Promise<string> {
  const signal = AbortSignal.timeout(5_000);
  const found = await kube.list(generationServices, { namespace }, signal);
  const told = await kube.list(events, { namespace }, signal);
  return [
    ...found.map(({ metadata, status }) => `--- ${metadata.name}: ${JSON.stringify(status, undefined, 1)}`),
    ...told.map(({ type, reason, regarding, note = '' }) => `--- Event ${type} ${reason} ${regarding.name}: ${note}`),
    `--- operator:\n${operator?.log() ?? 'none'}`,
  ].join('\n');
}

/** For `eventually`: the condition of a service has this status, and this reason where one is given. */
export function expectCondition(
  { status, metadata }: GenerationService,
  type: string,
  wanted: { readonly status: string; readonly reason?: string },
): { readonly message: string } {
  const condition = status?.conditions?.find((candidate) => candidate.type === type);
  if (
    condition?.status !== wanted.status ||
    (wanted.reason !== undefined && condition.reason !== wanted.reason) ||
    condition.observedGeneration !== metadata.generation
  )
    throw new Error(
      `${type} is ${condition === undefined ? 'absent' : `${condition.status} ${condition.reason} (generation ${condition.observedGeneration} of ${metadata.generation}): ${condition.message}`}; wanted ${wanted.status} ${wanted.reason ?? ''}`,
    );
  return condition;
}
