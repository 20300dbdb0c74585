import { amount } from '../api/quantity.ts';
import { sizedBy, type Metric } from '../decide/steering.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { splitKey, type KubeObject } from '../kube/object.ts';
import { Problem, type ProblemDetails } from '../api/problem.ts';
import type { ReadTemplate } from '../levers/pod-template.ts';
import type { RedisDeps } from '../levers/redis/observe.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import type { RuntimeDeps } from '../levers/runtime/lever.ts';
import type { VerticalDeps } from '../levers/vertical/lever.ts';
import type { Collector } from '../metrics/collector.ts';
import { defaultFirst, stateOf } from '../metrics/pod-view.ts';
import { selectPods, type Caches } from './caches.ts';
import { secrets } from './kinds.ts';
import { isTerminating } from './namespaces.ts';

/** What is said where a Secret may not be read: a person who runs a command lacks another right than the operator, and gets it elsewhere. */
export type SecretDenied = (namespace: string, name: string, refusal: ApiError) => Omit<ProblemDetails, 'cause'>;

const operatorDenied: SecretDenied = (namespace, name) => ({
  saw: `the operator may not read Secret ${namespace}/${name}`,
  wanted: 'get on just this Secret',
  next: `add {namespace: ${namespace}, names: [${name}]} to secretAccess of the chart, or kubectl create role read-${name} -n ${namespace} --verb=get --resource=secrets --resource-name=${name} and bind it to the operator's service account`,
});

/** Reads one Secret by its name: the operator lists and watches none. @throws {Problem} PermissionDenied */
export async function readSecret(
  kube: Kube,
  namespace: string,
  name: string,
  signal: AbortSignal,
  denied = operatorDenied,
): Promise<Readonly<Record<string, Buffer>> | undefined> {
  try {
    const secret = await kube.get(secrets, `${namespace}/${name}`, signal);
    if (secret === undefined) return undefined;
    return Object.fromEntries(
      Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    if (await isTerminating(namespace, kube, signal)) return undefined; // the Role that let us read it went first, or goes with it
    throw new Problem('PermissionDenied', { ...denied(namespace, name, error), cause: error });
  }
}

interface PodTemplated extends KubeObject {
  readonly spec?: {
    readonly template?: {
      readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
      readonly spec?: { readonly containers?: readonly Container[] };
    };
  };
}
interface Container {
  readonly name: string;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
}

/** The Pod template of a workload, with the container first that people mean. */
export const readTemplate =
  (kube: Kube): ReadTemplate =>
  async ({ targetRef: { apiVersion, kind, name }, namespace }, signal) => {
    const discovered = await kube.discover(apiVersion, kind, signal);
    const workload: PodTemplated | undefined =
      discovered && (await kube.get(discovered.resource, `${namespace}/${name}`, signal));
    const { metadata, spec } = workload?.spec?.template ?? {};
    if (spec?.containers === undefined) return undefined;
    return {
      containers: defaultFirst(spec.containers, metadata?.annotations).map(({ name: container, resources = {} }) => ({
        name: container,
        requests: resources.requests ?? {},
        limits: resources.limits ?? {},
      })),
    };
  };

/** Memory limit, in bytes, of the container of a workload; undefined where it has none or is not there. */
export const memoryLimit =
  (kube: Kube): RedisDeps['memoryLimit'] =>
  async ({ apiVersion, kind, name, containerName }, namespace, signal) => {
    const discovered = await kube.discover(apiVersion, kind, signal);
    if (discovered === undefined) return undefined;
    const workload: PodTemplated | undefined = await kube.get(discovered.resource, `${namespace}/${name}`, signal);
    const containers = workload?.spec?.template?.spec?.containers ?? [];
    const container =
      containerName === undefined ? containers[0] : containers.find((candidate) => candidate.name === containerName);
    const limit = container?.resources?.limits?.['memory'];
    return amount(limit);
  };

/** What the Ready Pods of a component were last seen to run with. Where nobody measures (`genops diff`) nobody knows. */
export const podReports =
  (
    collector: Pick<Collector, 'podFigures' | 'failuresOf'> | undefined,
    { pods }: Pick<Caches, 'pods'>,
  ): RuntimeDeps['podReports'] =>
  (service, { name: component, selector }) => {
    if (collector === undefined) return undefined;
    const figures = new Map(collector.podFigures(service, component).map((one) => [one.name, one]));
    const failures = new Map(collector.failuresOf(service, component).map(({ pod, failure }) => [pod, failure.reason]));
    const { namespace = '' } = splitKey(service);
    return selectPods(pods, namespace, selector)
      .filter((pod) => stateOf(pod) === 'Ready')
      .map((pod) => {
        const { observedAt, runtimeConfigHash } = figures.get(pod.name) ?? {};
        const failure = observedAt === undefined ? failures.get(pod.name) : undefined;
        return {
          pod,
          isRead: observedAt !== undefined || failure !== undefined,
          ...(observedAt === undefined ? {} : { observedAt }),
          ...(runtimeConfigHash === undefined ? {} : { running: runtimeConfigHash }),
          ...(failure === undefined ? {} : { failure }),
        };
      })
      .toSorted((a, b) => (a.pod.name < b.pod.name ? -1 : 1));
  };

/** What the HPAs of others on a target scale by; one without metrics scales by cpu. */
export const scalingBeside =
  ({ hpas }: Pick<Caches, 'hpas'>): VerticalDeps['scalingBeside'] =>
  ({ namespace, targetRef, owner }) =>
    hpas
      .by('target', targetKey(namespace, targetRef))
      .filter(({ controller }) => controller?.uid !== owner.uid)
      .map(({ name, spec: { metrics = [] } }) => ({
        name,
        resources: metrics.length === 0 ? ['cpu'] : (metrics as readonly Metric[]).flatMap((one) => sizedBy(one) ?? []),
      }));
