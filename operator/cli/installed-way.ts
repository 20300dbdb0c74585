import { Problem } from '../api/problem.ts';
import { isServed } from '../api/served-metrics.ts';
import type { PodsMetricsWay, ResolvedComponent } from '../decide/resolve.ts';
import { steering } from '../decide/steering.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { unitKey, type AnyLever } from '../levers/run.ts';
import { isOurs, metricsApi, type ApiResources } from '../serve/custom-metrics.ts';

/** How Pods metrics reach HPAs, as far as it can be seen. */
export interface InstalledWay {
  readonly podsMetrics: PodsMetricsWay;
  /** Why nobody can tell. Undefined: it is known. */
  readonly podsMetricsUnseen: string | undefined;
}

const known = (podsMetrics: PodsMetricsWay): InstalledWay => ({ podsMetrics, podsMetricsUnseen: undefined });

/** What the installed operator makes of APIServices, by discovery, which is open to everybody: through its metrics API where the whole group is ours. */
export async function installedWay(kube: Kube, signal: AbortSignal): Promise<InstalledWay> {
  try {
    const versions = await versionsOf(kube, signal);
    if (versions.length === 0 || versions.some((version) => version !== metricsApi.groupVersion))
      return known('Shadow');
    const answer = (await kube.raw({ path: `/apis/${metricsApi.groupVersion}` }, signal)) as ApiResources;
    return known(isOurs(answer) ? 'MetricsAPI' : 'Shadow');
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { podsMetrics: 'Shadow', podsMetricsUnseen: error.message.trim() };
  }
}

interface ApiGroup {
  readonly versions: readonly { readonly groupVersion: string }[];
}

/** Of the group, also of what is down: the API server answers itself. */
async function versionsOf(kube: Kube, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const { versions } = (await kube.raw({ path: `/apis/${metricsApi.group}` }, signal)) as ApiGroup;
    return versions.map(({ groupVersion }) => groupVersion);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}

/** Levers of which no unit is planned by a guess: where nobody can tell what the operator knows, that is what there is to say. */
export function withoutGuess(
  levers: readonly AnyLever[],
  components: readonly ResolvedComponent[],
  unseen: string | undefined,
): readonly AnyLever[] {
  if (unseen === undefined) return levers;
  const guessed: ReadonlySet<string> = new Set(components.flatMap(unitsByWay));
  return levers.map((lever) => ({
    ...lever,
    observe: (unit, signal, memory) =>
      guessed.has(unitKey({ lever, unit })) ? Promise.reject(unknowable(unseen)) : lever.observe(unit, signal, memory),
  }));
}

const unknowable = (saw: string): Problem =>
  new Problem('MetricUnavailable', {
    saw,
    wanted: 'to know whether HPAs read Pods metrics from the operator, which decides what is planned here',
    next: `kubectl describe apiservice ${metricsApi.name} says what is wrong with it; with horizontal.podsMetrics: Shadow nothing depends on it`,
  });

/** Which units of a component are planned otherwise with our metrics API than without it. */
function unitsByWay(component: ResolvedComponent): readonly string[] {
  const { spec, policy } = component;
  const { mode, podsMetrics, metrics } = policy.horizontal;
  const isAuto =
    podsMetrics !== 'Shadow' && metrics.some(({ pods }) => pods !== undefined && isServed(pods.metric.name));
  if (!isAuto || mode === 'Off' || mode === 'FloorOnly') return [];
  const [served, shadowed] = (['MetricsAPI', 'Shadow'] as const).map((way) =>
    JSON.stringify(steering({ ...component, podsMetrics: way })),
  );
  const besides = served === shadowed ? [] : ['vertical', 'resources'];
  return ['horizontal', ...besides].map((lever) => `${lever}/${spec.name}`);
}
