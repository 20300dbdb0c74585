import { Problem } from '../../api/problem.ts';
import type { Resolved, ResolvedComponent } from '../../decide/resolve.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Kube } from '../../kube/client.ts';
import { apiVersionOf } from '../../kube/resource.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import { containerOf, type ReadTemplate } from '../pod-template.ts';
import type { Scaling, VerticalObserved, VerticalUnit } from './plan.ts';
import type { Abilities } from './render.ts';
import { aimsAt, projectVpa, verticalPodAutoscalers, type VpaView } from './vpa.ts';

export interface VerticalDeps {
  readonly kube: Kube;
  readonly readTemplate: ReadTemplate;
  /** The Pods of a component, as they were last seen. */
  readonly podsOf: (of: Pick<VerticalUnit, 'namespace' | 'selector'>) => readonly PodView[];
  /** HPAs on the unit's target that its service did not make, as the watch cache has them. */
  readonly scalingBeside: (of: Pick<VerticalUnit, 'namespace' | 'targetRef' | 'owner'>) => readonly Scaling[];
}

/** Whether the cluster has VPAs. */
async function hasVpa(kube: Pick<Kube, 'discover'>, signal: AbortSignal): Promise<boolean> {
  const { kind } = verticalPodAutoscalers;
  return (await kube.discover(apiVersionOf(verticalPodAutoscalers), kind, signal)) !== undefined;
}

type KubeToAsk = Pick<Kube, 'discover' | 'list'>;

/**
 * The components, each with what a VPA does for it. The visit that takes a resource from the HPA makes the VPA, so one counts as there before it is.
 * But where the last visit had to say that it is not in force, only what can be seen counts.
 */
export async function withVpas(
  { service, components }: Pick<Resolved, 'service' | 'components'>,
  kube: KubeToAsk,
  signal: AbortSignal,
): Promise<readonly ResolvedComponent[]> {
  if (!(await hasVpa(kube, signal))) return components;
  if (!isHeldUp(service)) return components.map((component) => ({ ...component, vpa: 'Sizes' }));
  const vpas = await sizingIn(service.metadata.namespace, kube, signal);
  return components.map((component) => ({
    ...component,
    vpa: vpas.some((vpa) => aimsAt(vpa, component.spec.targetRef)) ? 'Sizes' : 'HeldUp',
  }));
}

/** That there was no such kind is over. */
const isHeldUp = ({ status }: Resolved['service']): boolean =>
  status?.conditions?.some(
    (one) => one.type === 'VerticalApplied' && one.status === 'False' && one.reason !== 'VPANotInstalled',
  ) === true;

/** Whoever's they are: two that size a container fight, ours or not. Why they cannot be seen is the lever's to say. */
async function sizingIn(namespace: string, kube: KubeToAsk, signal: AbortSignal): Promise<readonly VpaView[]> {
  try {
    const all = (await kube.list(verticalPodAutoscalers, { namespace }, signal)).map(projectVpa);
    return all.filter(({ spec }) => spec.updatePolicy?.updateMode !== 'Off');
  } catch (error) {
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return [];
    throw error;
  }
}

export async function observe(
  unit: VerticalUnit,
  {
    kube,
    readTemplate,
    podsOf,
    scalingBeside,
    abilities: abilitiesNow,
  }: VerticalDeps & { readonly abilities: LookAtAbilities },
  signal: AbortSignal,
): Promise<VerticalObserved> {
  if (!(await hasVpa(kube, signal))) return { kind: 'absent' };
  const vpas = await vpasOf(unit, kube, signal);
  if (vpas === undefined) return { kind: 'absent' };
  const seen = { kind: 'seen', vpas, scaling: scalingBeside(unit), pods: podsOf(unit) } as const;
  if (!unit.isWanted) return { ...seen, container: '', abilities: { updateModes: [], canResize: false } };
  const [template, abilities] = await Promise.all([readTemplate(unit, signal), abilitiesNow(signal)]);
  return { ...seen, container: containerOf(template, unit).name, abilities };
}

/** Undefined: the kind was there once, and is not any more. */
async function vpasOf(
  { namespace, targetRef, owner }: VerticalUnit,
  kube: Kube,
  signal: AbortSignal,
): Promise<readonly VpaView[] | undefined> {
  try {
    const all = (await kube.list(verticalPodAutoscalers, { namespace }, signal)).map(projectVpa);
    return all.filter((vpa) => aimsAt(vpa, targetRef) || vpa.controller?.uid === owner.uid);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return undefined;
    if (error.status !== 403 || error.isNamespaceTerminating) throw error;
    throw new Problem('PermissionDenied', {
      saw: error.message,
      wanted: 'to list, create, patch and delete verticalpodautoscalers.autoscaling.k8s.io',
      next: 'install the role of the chart again',
      cause: error,
    });
  }
}

export type LookAtAbilities = (signal: AbortSignal) => Promise<Abilities>;

/** An upgrade is seen after this: the schema has 144 kB, and each component asks once a minute. */
const keptMs = 600_000;

/** What the cluster can do, looked at now and then. */
export function createAbilities(kube: Kube): LookAtAbilities {
  let known: { readonly at: number; readonly abilities: Abilities } | undefined;
  return async (signal) => {
    if (known !== undefined && performance.now() - known.at < keptMs) return known.abilities;
    const abilities = await abilitiesOf(kube, signal);
    if (abilities.updateModes !== undefined) known = { at: performance.now(), abilities }; // else it was installed a moment ago
    return abilities;
  };
}

async function abilitiesOf(kube: Kube, signal: AbortSignal): Promise<Abilities> {
  const path = `/openapi/v3/apis/${apiVersionOf(verticalPodAutoscalers)}`;
  const [pods, schema] = await Promise.all([
    kube.discover('v1', 'Pod', signal),
    kube.raw({ path, verb: 'get', target: 'the schema of VerticalPodAutoscalers' }, signal),
  ]);
  return { updateModes: updateModesIn(schema), canResize: pods?.subresources.includes('resize') === true };
}

/** Of the schema that the API server publishes; a version of the VPA says nothing of what it was installed with. */
function updateModesIn(document: unknown): readonly string[] | undefined {
  const { components } = document as { readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> } };
  const schema = Object.values(components?.schemas ?? {}).find((one) =>
    one['x-kubernetes-group-version-kind']?.some(({ kind }) => kind === verticalPodAutoscalers.kind),
  );
  const modes = schema?.properties?.['spec']?.properties?.['updatePolicy']?.properties?.['updateMode']?.enum;
  return modes?.map(String);
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly unknown[];
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly kind: string }[];
}
