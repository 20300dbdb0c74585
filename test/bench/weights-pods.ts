import { waitUntil } from '../../hack/cluster/ready.ts';
import { bundle } from '../../hack/image/bundle.ts';
import { nodeCommand } from '../../hack/image/node-base.ts';
import { weightLabel } from '../../operator/api/annotations.ts';
import { podResource, projectPod, stateOf } from '../../operator/metrics/pod-view.ts';
import { restricted } from '../world/ready-pod.ts';
import type { World } from '../world/world.ts';

/** Of one Service, on the node. */
export interface BenchPods extends AsyncDisposable {
  readonly names: readonly string[];
  /** Other mean times of a request from now on, in ms; how many requests each Pod was sent since the last time. */
  set(meanMs: readonly number[], signal: AbortSignal): Promise<readonly number[]>;
  /** The only labels that are set so. */
  label(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
}

interface PodsInput {
  readonly service: string;
  readonly count: number;
  /** What each works on at once. */
  readonly slots: number;
}

const [port, controlPort] = [8080, 8081];
const [program, file] = ['bench-pod', 'pod.mjs'];

/** What Pods run: once in a namespace. */
export async function applyProgram(world: World): Promise<void> {
  const content = Buffer.from(await bundle('test/bench/weights-pod.ts')).toString();
  await world.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: program }, data: { [file]: content } });
}

/** Until they are Ready. A Service of that name leads to them. */
export async function startPods(world: World, input: PodsInput, signal: AbortSignal): Promise<BenchPods> {
  const { service, count } = input;
  await using stack = new AsyncDisposableStack();
  const ports = [{ name: 'http', port: 80, targetPort: port }];
  const spec = { selector: { app: service }, ports };
  await world.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: service }, spec });
  const names = Array.from({ length: count }, (_, index) => `${service}-${index}`);
  for (const [index, name] of names.entries()) {
    await world.apply(podManifest(name, input, index));
    stack.defer(() => world.delete(podResource, name));
  }
  const query = { namespace: world.namespace, labelSelector: `app=${service}` };
  const found = async () => (await world.kube.list(podResource, query, signal)).map(projectPod);
  const areReady = async (): Promise<boolean> =>
    (await found()).filter((pod) => stateOf(pod) === 'Ready').length === count;
  await waitUntil(`${count} Pods of ${service}`, areReady, { timeoutMs: 180_000, signal });
  const addresses = new Map((await found()).map(({ name, ip }) => [name, ip]));
  const owned = stack.move();
  return {
    names,
    set: (meanMs, until) =>
      Promise.all(names.map((name, index) => tell(addresses.get(name) ?? '', meanMs[index] ?? NaN, until))),
    label: async (name, labels) => {
      const manifest = { metadata: { namespace: world.namespace, name, labels } };
      await world.kube.apply(podResource, manifest, { manager: 'bench-labels', force: true }, signal);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function tell(address: string, meanMs: number, signal: AbortSignal): Promise<number> {
  const answer = await fetch(`http://${address}:${controlPort}/`, { method: 'POST', body: String(meanMs), signal });
  return Number(await answer.text());
}

function podManifest(name: string, { service, slots }: PodsInput, index: number) {
  const given = [port, controlPort, slots, index + 1].map(String);
  const container = {
    name: 'main',
    image: 'genops-workload:dev', // it has Node; what it runs else is not asked
    imagePullPolicy: 'Never',
    command: [...nodeCommand, `/bench/${file}`, ...given],
    ports: [{ name: 'http', containerPort: port }],
    readinessProbe: { tcpSocket: { port: controlPort }, periodSeconds: 2 },
    volumeMounts: [{ name: 'program', mountPath: '/bench' }],
    securityContext: restricted,
  };
  const spec = {
    containers: [container],
    volumes: [{ name: 'program', configMap: { name: program } }],
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: service, [weightLabel]: '1' } }, spec };
}
