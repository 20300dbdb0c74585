import { amount } from '../api/quantity.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';

/** The few fields of a Pod that we ask: a tenth of its size. Amounts in cores and bytes; absent ones are undefined. */
export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** From the Pod's own status, which only its kubelet writes: the one address that is ever dialled. */
  readonly ip: string | undefined;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  readonly ready: boolean;
  /** ms since the epoch; since when `ready` is as it is. */
  readonly readySince: number | undefined;
  readonly createdAt: number;
  readonly deleting: boolean;
  /** Of all containers. */
  readonly ports: readonly PodPort[];
  /** The one that the annotation kubectl.kubernetes.io/default-container names stands first. */
  readonly containers: readonly ContainerView[];
  /** ms since the epoch; when a container was last killed for its memory. */
  readonly oomKilledAt: number | undefined;
  /** What its spec asks for is not in force yet; absent: it is. */
  readonly resize?: Resize;
  /** Why a container of it does not run, in the kubelet's word: ErrImagePull, CrashLoopBackOff; absent: all run, or nobody says. */
  readonly waiting?: string;
}

interface Resize {
  /** `Deferred`: the node has no room now. `Infeasible`: it never has. */
  readonly state: 'InProgress' | 'Deferred' | 'Infeasible';
  /** In the words of its kubelet. */
  readonly message: string;
}

interface PodPort {
  readonly name: string | undefined;
  readonly containerPort: number;
}

export interface ContainerView {
  readonly name: string;
  readonly cpuRequest: number | undefined;
  readonly cpuLimit: number | undefined;
  readonly memoryRequest: number | undefined;
  readonly memoryLimit: number | undefined;
  /** Its place in the Pod's spec, where it is another than here. */
  readonly index?: number;
  /** It says itself that it restarts when it is resized. */
  readonly restartsOnResize?: true;
  /** While a resize of its Pod goes on; absent: there is none, or nobody says. */
  readonly inForce?: Pick<ContainerView, 'memoryRequest' | 'memoryLimit'>;
}

interface Pod extends KubeObject {
  readonly spec: { readonly containers: readonly PodContainer[]; readonly initContainers?: readonly PodContainer[] };
  readonly status?: PodStatus;
}

interface PodStatus {
  readonly phase?: PodView['phase'];
  readonly podIP?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly lastTransitionTime?: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
  /** Generation of the spec that its kubelet has seen. */
  readonly observedGeneration?: number;
  readonly containerStatuses?: readonly ContainerStatus[];
}

interface ContainerStatus {
  readonly name?: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
  /** In force. */
  readonly resources?: PodContainer['resources'];
}

interface PodContainer {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly resizePolicy?: readonly { readonly restartPolicy: string }[];
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string };
  readonly terminated?: { readonly reason?: string; readonly finishedAt?: string };
}

export const podResource = resource<Pod>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });

export function projectPod({ metadata, spec, status }: Pod): PodView {
  const containers = [
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
    ...spec.containers,
  ];
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const resize = resizeOf(metadata.generation, spec, status);
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason)?.state?.waiting?.reason;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    labels: metadata.labels ?? {},
    ip: status?.podIP,
    phase: status?.phase ?? 'Unknown',
    ready: ready?.status === 'True',
    readySince: time(ready?.lastTransitionTime),
    createdAt: time(metadata.creationTimestamp) ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    ports: containers.flatMap(({ ports = [] }) =>
      ports
        .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
        .map(({ name, containerPort }) => ({ name, containerPort })),
    ),
    containers: defaultFirst(spec.containers, metadata.annotations).map(
      ({ name, resources: { requests, limits } = {}, resizePolicy = [] }, place) => ({
        name,
        cpuRequest: amount(requests?.['cpu']),
        cpuLimit: amount(limits?.['cpu']),
        memoryRequest: amount(requests?.['memory']),
        memoryLimit: amount(limits?.['memory']),
        ...(spec.containers[place]?.name === name
          ? {}
          : { index: spec.containers.findIndex((one) => one.name === name) }),
        ...(resizePolicy.some(({ restartPolicy }) => restartPolicy === 'RestartContainer')
          ? { restartsOnResize: true }
          : {}),
        ...(resize === undefined ? {} : memoryInForce(name, { requests, limits }, status)),
      }),
    ),
    oomKilledAt: newestOomKill(status?.containerStatuses ?? []),
    ...(resize === undefined ? {} : { resize }),
    ...(waiting === undefined ? {} : { waiting }),
  };
}

function memoryInForce(
  container: string,
  wanted: Lists,
  { containerStatuses = [] }: PodStatus = {},
): Pick<ContainerView, 'inForce'> {
  const found = containerStatuses.find(({ name }) => name === container)?.resources;
  if (found === undefined) return {};
  const of = (list: keyof Lists): number | undefined => {
    const [there, declared] = [amount(found[list]?.['memory']), amount(wanted[list]?.['memory'])];
    const isRounded = there !== undefined && declared !== undefined && Math.abs(there - declared) <= rounding.memory;
    return isRounded ? declared : there;
  };
  return { inForce: { memoryRequest: of('requests'), memoryLimit: of('limits') } };
}

type Lists = { readonly [List in 'requests' | 'limits']?: Readonly<Record<string, string>> | undefined };

function resizeOf(
  generation: number | undefined,
  spec: Pod['spec'],
  { conditions = [], observedGeneration, containerStatuses = [] }: PodStatus = {},
): Resize | undefined {
  const [pending, progress] = ['PodResizePending', 'PodResizeInProgress'].map((type) =>
    conditions.find((condition) => condition.type === type && condition.status === 'True'),
  );
  if (pending !== undefined) {
    const state = pending.reason === 'Infeasible' ? 'Infeasible' : 'Deferred';
    return { state, message: pending.message ?? '' };
  }
  const isUnseen =
    observedGeneration === undefined
      ? spec.containers.some((container) => isOtherwise(container, containerStatuses))
      : generation !== undefined && observedGeneration < generation;
  return progress === undefined && !isUnseen ? undefined : { state: 'InProgress', message: progress?.message ?? '' };
}

/** Kubernetes 1.33 does not say which spec a kubelet has seen: until it begins, only what is in force tells. */
function isOtherwise({ name, resources }: PodContainer, statuses: readonly ContainerStatus[]): boolean {
  const inForce = statuses.find((status) => status.name === name)?.resources;
  if (inForce === undefined) return false;
  return (['requests', 'limits'] as const).some((list) =>
    (['cpu', 'memory'] as const).some((figure) => {
      const [wanted, there] = [amount(resources?.[list]?.[figure]), amount(inForce[list]?.[figure])];
      return wanted !== undefined && there !== undefined && Math.abs(wanted - there) > rounding[figure];
    }),
  );
}

/** What a cgroup may make of a figure. */
const rounding = { cpu: 0.01, memory: 4096 } as const;

const defaultContainer = 'kubectl.kubernetes.io/default-container';

/** What injects a sidecar may put it before all others, and then names the container that people mean. */
export function defaultFirst<Container extends { readonly name: string }>(
  containers: readonly Container[],
  annotations: Readonly<Record<string, string>> = {},
): readonly Container[] {
  const named = annotations[defaultContainer];
  if (named === undefined) return containers;
  return containers.toSorted((a, b) => Number(b.name === named) - Number(a.name === named));
}

const time = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

function newestOomKill(statuses: readonly ContainerStatus[]): number | undefined {
  const kills = statuses
    .flatMap(({ state, lastState }) => [state?.terminated, lastState?.terminated])
    .flatMap((terminated) => (terminated?.reason === 'OOMKilled' ? [time(terminated.finishedAt) ?? 0] : []));
  return kills.length === 0 ? undefined : Math.max(...kills);
}

/** How a Pod counts. Only a `Ready` one is read: what a starting or terminating Pod does is no load. */
export type PodState = 'Ready' | 'Starting' | 'NotReady' | 'Terminating' | 'Finished';

export function stateOf({ phase, ready, readySince, createdAt, deleting }: PodView): PodState {
  if (phase === 'Succeeded' || phase === 'Failed') return 'Finished';
  if (deleting) return 'Terminating';
  if (ready) return 'Ready';
  // Never ready: its condition is as old as the Pod. Once it was ready, losing that moves the time on.
  return phase !== 'Running' || readySince === undefined || readySince - createdAt < startedWithinMs
    ? 'Starting'
    : 'NotReady';
}

/** The kubelet writes the first Ready=False when it admits the Pod, a moment after its creation; times have whole seconds. */
const startedWithinMs = 5_000;
