import { isDeepStrictEqual } from 'node:util';
import type { Kube } from '../kube/client.ts';
import { openCollection, type Collection, type CollectionOptions } from '../kube/collection.ts';
import { createLeftOut, type LeftOut } from '../kube/left-out.ts';
import { keyOf, type Key, type KubeObject } from '../kube/object.ts';
import { createOwnWrites, type OwnWrites } from '../kube/own-writes.ts';
import { matches, selectorFrom, termsOf, type Selector } from '../kube/label-selector.ts';
import type { Logger } from '../kube/logger.ts';
import {
  horizontalPodAutoscalers,
  projectHpa,
  targetKey,
  type HpaSpec,
  type HpaView,
} from '../levers/horizontal/hpa.ts';
import { defaultFirst, podResource, projectPod, type PodView } from '../metrics/pod-view.ts';
import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import type { ContainerSizes } from '../decide/resolve.ts';
import {
  apiServices,
  configMaps,
  deployments,
  generationServices,
  performancePolicies,
  resourceQuotas,
  statefulSets,
  type ApiService,
  type Workload,
} from './kinds.ts';
import { projectQuota, type QuotaView } from './quota-view.ts';
import { isRollingOut, rollOutStep } from './roll-out.ts';
import { projectState, serversOf, stateLabel, type StateView } from './state.ts';

export interface WorkloadView {
  readonly namespace: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly replicas: number;
  /** A roll-out starts new Pods while old ones still end: a StatefulSet, and a Deployment that is told so, ends a Pod first. */
  readonly hasOverlap: boolean;
  readonly isRollingOut: boolean;
  readonly rollOutStep: string | undefined;
  readonly selector: Selector;
  /** Of its Pod template. */
  readonly containers: readonly ContainerSizes[];
}

/** Everything that is watched. Reconciles read here; nothing is asked of the API server twice. */
export interface Caches extends AsyncDisposable {
  /** Indexes `policy` (`namespace/name`), `target` (`targetKey`) and `namespace`. */
  readonly services: Collection<GenerationService & KubeObject>;
  readonly policies: Collection<PerformancePolicy & KubeObject>;
  /** Indexes `target` and `controller` (its uid). */
  readonly hpas: Collection<HpaView>;
  readonly hpaWrites: OwnWrites<HpaSpec>;
  readonly floorWrites: OwnWrites<number>;
  /** Index `namespace`, as the next two. */
  readonly deployments: Collection<WorkloadView>;
  readonly statefulSets: Collection<WorkloadView>;
  readonly quotas: Collection<QuotaView>;
  /** Index `label`: `namespace/key=value`. */
  readonly pods: Collection<PodView>;
  /** Index `server`. */
  readonly states: Collection<StateView>;
  /** Only where our own metrics API is installed. */
  readonly apiServices: Collection<ApiService> | undefined;
  readonly all: readonly Collection<unknown>[];
  readonly leftOut: LeftOut;
}

/** How services and states are read, wherever they are. */
export const watched = {
  services: {
    resource: generationServices,
    project: (service: GenerationService & KubeObject) => withoutManagedFields(service),
    indexes: {
      policy: (service: GenerationService) => policyKeys(service),
      target: (service: GenerationService) => targetKeys(service),
      namespace: ({ metadata }: GenerationService) => [metadata.namespace],
    },
  },
  states: {
    resource: configMaps,
    labelSelector: `${stateLabel}=true`,
    project: projectState,
    indexes: { server: serversOf },
  },
} as const;

export interface CachesOptions {
  readonly kube: Kube;
  /** Undefined: the whole cluster. */
  readonly namespaces: readonly string[] | undefined;
  readonly watchApiServices: boolean;
  /** Services of a namespace are seen when all else of it has been listed: none is judged by what is only not known. */
  readonly servicesLast?: boolean;
  readonly logger: Logger;
  readonly metrics?: CollectionOptions<KubeObject, unknown>['metrics'];
}

export function openCaches({
  kube,
  namespaces,
  watchApiServices,
  servicesLast = false,
  logger,
  metrics,
}: CachesOptions): Caches {
  const leftOut = createLeftOut({ namespaces, collections: () => all, logger });
  const common = { kube, logger, metrics, onStanding: () => leftOut.look() };
  const open = <Wire extends KubeObject, T>(
    options: Omit<CollectionOptions<Wire, T>, keyof typeof common | 'namespaces'>,
  ): Collection<T> => openCollection({ ...common, namespaces, ...options });
  const others = {
    policies: open({ resource: performancePolicies, project: withoutManagedFields }),
    hpas: open({
      resource: horizontalPodAutoscalers,
      project: projectHpa,
      isSame: isDeepStrictEqual,
      indexes: {
        target: (hpa) => [targetKey(hpa.namespace, hpa.spec.scaleTargetRef)],
        controller: ({ controller }) => (controller === undefined ? [] : [controller.uid]),
      },
    }),
    deployments: open({ resource: deployments, ...workloadOptions }),
    statefulSets: open({ resource: statefulSets, ...workloadOptions }),
    quotas: open({
      resource: resourceQuotas,
      project: projectQuota,
      isSame: isDeepStrictEqual, // what is used of it moves with every Pod
      indexes: { namespace: ({ namespace }) => [namespace] },
    }),
    pods: open({ resource: podResource, project: projectPod, indexes: { label: labelKeys } }),
    states: open(watched.states),
    apiServices: watchApiServices
      ? openCollection({ ...common, resource: apiServices, project: (object) => object })
      : undefined,
  };
  const { apiServices: _, ...ofNamespaces } = others;
  const before = (namespace: string | undefined, signal: AbortSignal): Promise<void> =>
    leftOut.listed(Object.values(ofNamespaces), namespace, signal).catch(() => undefined); // an abort ends what would begin
  const services = open({ ...watched.services, before: servicesLast && namespaces !== undefined ? before : undefined });
  const caches = { services, ...others };
  const all = Object.values(caches).filter((collection) => collection !== undefined);
  return {
    ...caches,
    hpaWrites: createOwnWrites(caches.hpas),
    floorWrites: createOwnWrites(caches.hpas),
    all,
    leftOut,
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(all.map((collection) => collection[Symbol.asyncDispose]()))),
  };
}

/** Who wrote which field is half of an object's size and nothing that we ask. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function projectWorkload(workload: Workload): WorkloadView {
  const { apiVersion, kind, metadata, spec } = workload;
  const { namespace = '', name } = metadata;
  const { metadata: { annotations } = {}, spec: { containers = [], initContainers = [] } = {} } = spec.template ?? {};
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  return {
    namespace,
    apiVersion,
    kind,
    name,
    replicas: spec.replicas ?? 1,
    hasOverlap: kind === 'Deployment' && spec.strategy?.type !== 'Recreate',
    isRollingOut: isRollingOut(workload),
    rollOutStep: rollOutStep(workload),
    selector: selectorFrom(spec.selector),
    containers: [...defaultFirst(containers, annotations), ...sidecars].map(({ name: container, resources = {} }) => ({
      name: container,
      requests: resources.requests ?? {},
      limits: resources.limits ?? {},
    })),
  };
}

/** A roll-out changes a Deployment's status many times; only that it is on is anybody's business here, and of a StatefulSet that it gets on. Another selector: it was made anew while nobody watched. */
const sameWorkload = (before: WorkloadView, after: WorkloadView): boolean =>
  before.replicas === after.replicas &&
  before.hasOverlap === after.hasOverlap &&
  before.isRollingOut === after.isRollingOut &&
  before.rollOutStep === after.rollOutStep &&
  isDeepStrictEqual(before.selector, after.selector) &&
  isDeepStrictEqual(before.containers, after.containers);

const workloadOptions = {
  project: projectWorkload,
  isSame: sameWorkload,
  indexes: { namespace: ({ namespace }: WorkloadView) => [namespace] },
} as const;

/** Of the policy that a service names; none where it names none. */
export const policyKeys = ({ metadata, spec }: GenerationService): readonly Key[] =>
  spec.policyRef === undefined
    ? []
    : [keyOf({ metadata: { namespace: metadata.namespace, name: spec.policyRef.name } })];

const targetKeys = ({ metadata, spec }: GenerationService): readonly string[] =>
  spec.components.map(({ targetRef }) => targetKey(metadata.namespace, targetRef));

/** Not by what only one roll-out has: nobody selects by it. */
const labelKeys = ({ namespace, labels }: PodView): readonly string[] =>
  Object.entries(labels).flatMap(([label, value]) =>
    label === 'pod-template-hash' ? [] : [`${namespace}/${label}=${value}`],
  );

/** What is asked of the cache of Pods. */
export type PodIndex = Pick<Collection<PodView>, 'list' | 'by'>;

/** The Pods of a selector. An empty one selects none: it would be the whole namespace. */
export function selectPods(pods: PodIndex, namespace: string, selector: Selector): readonly PodView[] {
  const terms = termsOf(selector);
  const candidates =
    terms === undefined
      ? [...pods.list()].filter((pod) => pod.namespace === namespace)
      : terms.flatMap((term) => pods.by('label', `${namespace}/${term}`));
  return candidates.filter(({ labels }) => selects(selector, labels));
}

/** Whether labels hold all terms of a selector that has any. */
export const selects = (selector: Selector, labels: Readonly<Record<string, string>>): boolean =>
  selector.length > 0 && matches(selector, labels);
