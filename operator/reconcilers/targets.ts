import type { ComponentSpec, ScaleTarget, TargetSeen } from '../decide/resolve.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { parseSelector, type Selector } from '../kube/label-selector.ts';
import { keyOf } from '../kube/object.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import type { Caches, WorkloadView } from './caches.ts';
import type { Scale } from './kinds.ts';

type Lookup = { readonly caches: Pick<Caches, 'services' | 'deployments' | 'statefulSets'>; readonly kube: Kube };

/** What each component's target is, by component name. Deployments and StatefulSets are read from the cache; for other kinds the API server is asked. */
export async function findTargets(
  service: GenerationService,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TargetSeen>> {
  const seen = service.spec.components.map(
    async (component) => [component.name, await findTarget(service, component, lookup, signal)] as const,
  );
  return new Map(await Promise.all(seen));
}

async function findTarget(
  service: GenerationService,
  { targetRef }: ComponentSpec,
  { caches, kube }: Lookup,
  signal: AbortSignal,
): Promise<TargetSeen> {
  const { namespace } = service.metadata;
  const key = keyOf({ metadata: { namespace, name: targetRef.name } });
  const seen = isWatched(targetRef)
    ? found(watchedTarget(namespace, targetRef, caches))
    : await askForScale(kube, targetRef, key, signal);
  if (seen.kind === 'notFound' || seen.kind === 'unknownKind') return seen; // nobody can have what is not there
  const older = caches.services
    .by('target', targetKey(namespace, targetRef))
    .find((other) => claimsBefore(other, service));
  return older === undefined ? seen : { kind: 'claimed', by: keyOf(older) };
}

/** Undefined: it is not there, or of a kind that is not watched. */
export function watchedTarget(
  namespace: string,
  targetRef: ComponentSpec['targetRef'],
  caches: Pick<Caches, 'deployments' | 'statefulSets'>,
): WorkloadView | undefined {
  if (!isWatched(targetRef)) return undefined;
  const key = keyOf({ metadata: { namespace, name: targetRef.name } });
  return targetRef.kind === 'Deployment' ? caches.deployments.get(key) : caches.statefulSets.get(key);
}

/** Whether a change of such a target wakes its service; other kinds have to be asked again. */
export const isWatched = ({ apiVersion, kind }: ComponentSpec['targetRef']): boolean =>
  apiVersion === 'apps/v1' && (kind === 'Deployment' || kind === 'StatefulSet');

/** Whether each change of a target wakes the service; else it is looked at again after `askAgainMs`. */
export const isTold = ({ spec }: GenerationService): boolean =>
  spec.components.every(({ targetRef }) => isWatched(targetRef));
export const askAgainMs = 30_000;

/** Of two services with one target or server the older one has it: by creation, then by name; in no order are two equal. */
export function claimsBefore(other: GenerationService, service: GenerationService): boolean {
  if (other.metadata.uid === service.metadata.uid || other.spec.mode === 'DryRun') return false; // one that only reports takes nothing
  const order = ({ metadata }: GenerationService): string =>
    [metadata.creationTimestamp, metadata.name, metadata.namespace, metadata.uid].join(' ');
  return order(other) < order(service);
}

const found = (workload: WorkloadView | undefined): TargetSeen =>
  workload === undefined
    ? { kind: 'notFound' }
    : {
        kind: 'found',
        replicas: workload.replicas,
        hasOverlap: workload.hasOverlap,
        isRollingOut: workload.isRollingOut,
        rollOutStep: workload.rollOutStep,
        containers: workload.containers,
        selector: workload.selector,
      };

async function askForScale(
  kube: Kube,
  { apiVersion, kind }: ComponentSpec['targetRef'],
  key: string,
  signal: AbortSignal,
): Promise<TargetSeen> {
  const discovered = await kube.discover(apiVersion, kind, signal);
  if (discovered === undefined) return { kind: 'unknownKind' };
  if (!discovered.subresources.includes('scale')) return { kind: 'noScale' };
  try {
    const scale = await kube.getSubresource<Scale>(discovered.resource, key, 'scale', signal);
    return scale === undefined ? { kind: 'notFound' } : scaleTarget(scale);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return { kind: 'forbidden', message: error.message };
    throw error;
  }
}

/** A selector that does not parse selects nothing: MetricsAvailable says so. */
function scaleTarget({ spec, status }: Scale): ScaleTarget {
  return { kind: 'found', replicas: spec.replicas ?? 1, selector: selectorOf(status.selector ?? '') };
}

function selectorOf(text: string): Selector {
  try {
    return parseSelector(text);
  } catch (error) {
    if (Error.isError(error) && error.name === 'RangeError') return [];
    throw error;
  }
}
