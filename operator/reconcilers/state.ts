import { childName } from '../api/child-name.ts';
import type { LeverMemory } from '../levers/run.ts';
import { managers } from '../levers/apply-owned.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { readOptimizer, type KeptOptimizer } from '../decide/optimizer/kept.ts';
import type { Kube } from '../kube/client.ts';
import type { Collection } from '../kube/collection.ts';
import { ApiError } from '../kube/api-error.ts';
import { readRollUps, type SavedRollUps } from '../metrics/roll-ups.ts';
import { keyOf, ownerReference, splitKey, type Key, type KubeObject } from '../kube/object.ts';
import type { KeptScaler } from './scaler-algorithm.ts';
import { configMaps, type ConfigMap } from './kinds.ts';

/** Keeps a service until its servers have their own settings back, or what it holds is free again, and its state until then: with foreground deletion dependents go first. */
export const restoreFinalizer = 'genops.dev/restore';

/** Label by which the state ConfigMaps, and no others, are watched. */
export const stateLabel = 'genops.dev/state';
const dataKey = 'state.json';

/** What must survive a restart of the operator. Written before an action with what is about to be done, after it with what became of it. */
export interface ServiceState {
  readonly version: 1;
  readonly levers: LeverMemory;
  /** How long each objective was met; absent where nothing was judged. */
  readonly rollUps?: SavedRollUps;
  /** By component: what its scaler asks for, and its cooldown. */
  readonly scaler?: Readonly<Record<string, KeptScaler>>;
  /** Its actions, how they fared, and the one that is at work. */
  readonly optimizer?: KeptOptimizer;
}
const empty: ServiceState = { version: 1, levers: {} };

/** What the watch cache keeps of a state ConfigMap. */
export interface StateView {
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly serviceName: string;
  /** The owning service's uid: a state left behind by an earlier service of that name is not this one's. */
  readonly service: string;
  readonly state: ServiceState;
  /** It has our finalizer. */
  readonly isHeld: boolean;
}

const stateName = (service: string): string => childName(service, 'genops-state');

/** @throws {SyntaxError} never: what somebody has broken by hand is as if it were not there, and is written anew with the next change. */
export function projectState({ metadata, data }: ConfigMap): StateView {
  const { namespace = '', resourceVersion, ownerReferences, finalizers = [] } = metadata;
  const owner = ownerReferences?.[0];
  return {
    namespace,
    resourceVersion,
    serviceName: owner?.name ?? '',
    service: owner?.uid ?? '',
    state: parsed(data?.[dataKey]),
    isHeld: finalizers.includes(restoreFinalizer),
  };
}

function parsed(text: string | undefined): ServiceState {
  try {
    const state = JSON.parse(text ?? 'null') as Partial<ServiceState> | null;
    if (state?.version !== 1 || !isObject(state.levers)) return empty;
    const units = Object.entries(state.levers).filter(([, memory]) => isObject(memory));
    const rollUps = readRollUps(state.rollUps);
    const optimizer = readOptimizer(state.optimizer);
    const scaler = Object.entries(isObject(state.scaler) ? state.scaler : {}).filter(([, kept]) => isKept(kept));
    return {
      version: 1,
      levers: Object.fromEntries(units),
      ...(rollUps !== undefined && { rollUps }),
      ...(scaler.length > 0 && { scaler: Object.fromEntries(scaler) }),
      ...(optimizer !== undefined && { optimizer }),
    };
  } catch {
    return empty;
  }
}

const isKept = (kept: unknown): kept is KeptScaler =>
  isObject(kept) &&
  'floor' in kept &&
  Number.isInteger(kept.floor) &&
  'lastScaledAt' in kept &&
  Number.isFinite(kept.lastScaledAt);

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The state of every service: read from the watch cache, or from what was just written until the watch brings it. */
export interface States {
  /** Of this very service; what an earlier one of the same name left behind is not its own. */
  of(service: GenerationService): ServiceState;
  /**
   * Returns once the API server has it. Several loops write: each waits for the others, and changes its own part of what stands there then.
   * It is refused when another process has written what the watch has not brought yet: an original that was saved must never be lost to a stale cache.
   *
   * @throws {ApiError} 409
   */
  write(service: Service, change: (state: ServiceState) => ServiceState, signal: AbortSignal): Promise<void>;
  /** Has the finalizer stand exactly while deletionPolicy is Restore, or the service has it. */
  hold(service: Service, signal: AbortSignal): Promise<void>;
  /** Everything is put back, or given up: the state may go. */
  letGo(service: Service, signal: AbortSignal): Promise<void>;
  /** Whether that was done. */
  isLetGo(service: GenerationService): boolean;
  forget(key: Key): void;
}

type Service = GenerationService & KubeObject;
type Written = Pick<StateView, 'state' | 'service' | 'resourceVersion' | 'isHeld'>;

/** Every server that a service has settings on, for the index `server`: for each lever its own, since some share a server with whoever comes. */
export const serversOf = ({ state }: StateView): readonly string[] =>
  Object.entries(state.levers).flatMap(([unit, memory]) =>
    [memory, ...Object.values(memory.nodes ?? {})]
      .flatMap(({ serverRun, address }) => [serverRun, address].filter((server) => server !== undefined))
      .map((server) => serverKey(unit.slice(0, unit.indexOf('/')), server)),
  );

export const serverKey = (lever: string, server: string): string => `${lever} ${server}`;

export function createStates(kube: Kube, collection: Pick<Collection<StateView>, 'get' | 'hasSeen'>): States {
  const pending = new Map<Key, Written>();
  const inTurn = createTurns();
  const newest = (service: GenerationService): Written | undefined => {
    const key = stateKey(service);
    const written = pending.get(key);
    if (written !== undefined && !collection.hasSeen(key, written.resourceVersion)) return written;
    pending.delete(key);
    return collection.get(key);
  };
  const put = async (service: Service, state: ServiceState, isHeld: boolean, signal: AbortSignal): Promise<void> => {
    const resourceVersion = newest(service)?.resourceVersion;
    const manifest = manifestOf(service, state, { isHeld, resourceVersion });
    const options = { manager: managers.declared };
    const answer =
      resourceVersion === undefined
        ? await createOrTell(kube, manifest, (found) => pending.set(stateKey(service), found), signal)
        : await kube.update(configMaps, manifest, options, signal);
    pending.set(stateKey(service), {
      state,
      service: service.metadata.uid,
      resourceVersion: answer.resourceVersion,
      isHeld,
    });
  };
  const own = (service: GenerationService): Written | undefined => {
    const found = newest(service);
    return found?.service === service.metadata.uid ? found : undefined;
  };
  return {
    of: (service) => own(service)?.state ?? empty,
    write: (service, change, signal) =>
      inTurn(stateKey(service), () => put(service, change(own(service)?.state ?? empty), wantsHold(service), signal)),
    hold: (service, signal) =>
      inTurn(stateKey(service), async () => {
        const found = own(service);
        if (found !== undefined && found.isHeld !== wantsHold(service))
          await put(service, found.state, wantsHold(service), signal);
      }),
    letGo: (service, signal) =>
      inTurn(stateKey(service), async () => {
        const found = own(service);
        if (found?.isHeld === true) await put(service, found.state, false, signal);
      }),
    isLetGo: (service) => own(service)?.isHeld === false,
    forget: (key) => void pending.delete(stateKeyOf(key)),
  };
}

/** What is done of one key begins when what was asked before it has ended, however that ended. */
function createTurns() {
  const newest = new Map<Key, Promise<void>>();
  return async (key: Key, work: () => Promise<void>): Promise<void> => {
    const turn = (newest.get(key) ?? Promise.resolve()).then(work, work);
    newest.set(key, turn);
    try {
      await turn;
    } finally {
      if (newest.get(key) === turn) newest.delete(key);
    }
  };
}

/** As it stands in the cluster, without a cache: for people who look once. */
export async function readState(kube: Pick<Kube, 'get'>, service: Service, signal: AbortSignal): Promise<ServiceState> {
  const found = await kube.get(configMaps, stateKey(service), signal);
  if (found === undefined) return empty;
  const view = projectState(found);
  return view.service === service.metadata.uid ? view.state : empty;
}

const wantsHold = ({ spec, metadata }: Service): boolean =>
  spec.deletionPolicy === 'Restore' || metadata.finalizers?.includes(restoreFinalizer) === true;

function manifestOf(
  service: Service,
  state: ServiceState,
  { isHeld, resourceVersion }: { readonly isHeld: boolean; readonly resourceVersion: string | undefined },
) {
  const { name, namespace } = service.metadata;
  return {
    metadata: {
      namespace,
      name: stateName(name),
      labels: { [stateLabel]: 'true', 'app.kubernetes.io/managed-by': 'genops' },
      ownerReferences: [ownerReference(service, { controller: true })],
      ...(isHeld ? { finalizers: [restoreFinalizer] } : {}),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    data: { [dataKey]: JSON.stringify(state) },
  };
}

/** One that is there already though the cache has none has lost its label: it gets that back, and the visit begins anew with what stands in it, also before the watch brings it. */
async function createOrTell(
  kube: Kube,
  manifest: ReturnType<typeof manifestOf>,
  onFound: (found: Written) => void,
  signal: AbortSignal,
): Promise<{ readonly resourceVersion: string }> {
  const options = { manager: managers.declared };
  try {
    return await kube.create(configMaps, manifest, options, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
    const key = keyOf(manifest);
    const found = await kube.get(configMaps, key, signal);
    const view = found && projectState(found);
    if (view === undefined || view.service !== manifest.metadata.ownerReferences[0]?.uid)
      throw new Error(
        `saw a ConfigMap ${key} of somebody else; wanted its name for the state of the service; next: rename or delete it`,
        { cause: error },
      );
    const { resourceVersion } = view;
    const relabelled = await kube.update(
      configMaps,
      { ...manifest, metadata: { ...manifest.metadata, resourceVersion }, data: found?.data ?? {} },
      options,
      signal,
    );
    onFound({ ...view, resourceVersion: relabelled.resourceVersion, isHeld: 'finalizers' in manifest.metadata });
    throw new Error(`ConfigMap ${key} had lost its label: it is read again`, { cause: error });
  }
}

const stateKey = ({ metadata }: GenerationService): Key => stateKeyOf(keyOf({ metadata }));

function stateKeyOf(service: Key): Key {
  const { namespace, name } = splitKey(service);
  return keyOf({ metadata: { namespace, name: stateName(name) } });
}
