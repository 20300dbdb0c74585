import { milliseconds } from '../api/duration.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import { targetKey, type HpaView } from '../levers/horizontal/hpa.ts';
import type { Collector } from '../metrics/collector.ts';
import type { Standings } from '../metrics/standings.ts';
import type { Caches } from '../reconcilers/caches.ts';
import { createEffectivePolicies } from '../reconcilers/effective-policies.ts';
import type { Running } from '../reconcilers/operator.ts';
import { watchedTarget } from '../reconcilers/targets.ts';
import { policyOf } from '../reconcilers/visit.ts';
import { viewColumns } from '../serve/views/rows.ts';
import { createTimeline, type Timeline } from '../serve/views/timeline.ts';
import type { ViewSources } from '../serve/views-server.ts';

export interface ViewSourcesInput {
  readonly caches: Pick<Caches, 'services' | 'policies' | 'hpas' | 'deployments' | 'statefulSets'>;
  readonly collector: Collector;
  readonly standings: Pick<Standings, 'of'>;
  /** What the reconcilers know of servers and floors; undefined where they do not run. */
  readonly running: () =>
    Pick<Running, 'accepted' | 'cacheServers' | 'databaseServers' | 'weights' | 'looks'> | undefined;
  readonly clock: { now(): number };
}

type Service = GenerationService & KubeObject;

/** What views are made of, from what is watched and measured anyway: nothing is asked of anybody. Disposing it ends its listening. */
export function openViewSources(input: ViewSourcesInput): ViewSources & Disposable {
  const { caches, collector, standings, running, clock } = input;
  const policies = createEffectivePolicies();
  const timeline = createTimeline();
  const stop = follow(timeline, input);
  /** What it is run by: what was accepted last, also while what it declares is rejected. Without a leader that has visited it, what it declares. */
  const inForce = (declared: GenerationService) => {
    const accepted = running()?.accepted.of(declared);
    if (accepted === undefined) return { service: declared, policy: policyOf(declared, caches) };
    const { spec, policy } = accepted;
    return { service: { ...declared, spec: { ...spec, mode: declared.spec.mode } }, policy };
  };
  return {
    serviceOf: (namespace, name) => caches.services.get(keyOf({ metadata: { namespace, name } })),
    servicesIn: (namespace) =>
      namespace === undefined ? [...caches.services.list()] : caches.services.by('namespace', namespace),
    inputOf(declared) {
      const { service, policy: found } = inForce(declared);
      if (found === undefined && service.spec.policyRef !== undefined) return undefined;
      const { policy, problems } = policies.of({
        ...(found === undefined ? {} : { policy: { name: found.metadata.name, spec: found.spec } }),
        ...(service.spec.overrides === undefined ? {} : { overrides: service.spec.overrides }),
      });
      if (problems.length > 0) return undefined;
      const [key, now, windowMs] = [keyOf(service), clock.now(), milliseconds(policy.objectives.window)];
      const components = service.spec.components.map(({ name, targetRef }) => ({
        name,
        figures: collector.windowOf(key, name, windowMs),
        pods: collector.podFigures(key, name),
        isRollingOut: watchedTarget(service.metadata.namespace, targetRef, caches)?.isRollingOut,
      }));
      return {
        service,
        policy,
        components,
        redisHitRatio: running()?.cacheServers.worstHitRatio(service, now - windowMs),
        cacheServers: running()?.cacheServers.servers(service, now - windowMs) ?? [],
        databaseServers: running()?.databaseServers.servers(service, now - windowMs) ?? [],
        weights: running()?.weights.of(service),
        looks: running()?.looks.of(service),
        standing: standings.of(service),
        now,
      };
    },
    rowsOf: (service, since) =>
      inForce(service).service.spec.components.flatMap(({ name }) => {
        const rows = collector.historyOf(keyOf(service), name, since, viewColumns);
        return rows === undefined ? [] : [{ rows, bounds: timeline.boundsOf(keyOf(service), name) }];
      }),
    changesOf: (service, since) => timeline.changesOf(keyOf(service), since),
    replicasOf: (service) => replicasOf(service, caches),
    [Symbol.dispose]: stop,
  };
}

/** Writes down what changes, from now on. */
function follow(timeline: Timeline, { caches, clock }: ViewSourcesInput): () => void {
  /** By what is there now: an autoscaler that is gone bounds nothing any more. */
  const noteBounds = (service: Service): void => {
    for (const { name, targetRef } of service.spec.components) {
      const [hpa] = caches.hpas.by('target', targetKey(service.metadata.namespace, targetRef));
      const { minReplicas: floor, maxReplicas: max } = hpa?.spec ?? {};
      timeline.noteBounds(keyOf(service), name, { at: clock.now(), floor, max });
    }
  };
  const targetOf = ({ namespace, spec }: HpaView): string => targetKey(namespace, spec.scaleTargetRef);
  const stops = [
    caches.services.onChange((change) => {
      timeline.note(change, clock.now());
      const { after } = change;
      if (after !== undefined) noteBounds(after);
    }),
    caches.hpas.onChange(({ before, after }) => {
      const targets = new Set([before, after].flatMap((hpa) => (hpa === undefined ? [] : [targetOf(hpa)])));
      for (const target of targets) for (const service of caches.services.by('target', target)) noteBounds(service);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** What the targets that are watched ask for. */
function replicasOf(
  service: GenerationService,
  { deployments, statefulSets }: ViewSourcesInput['caches'],
): number | null {
  const { namespace } = service.metadata;
  const each = service.spec.components.map(({ targetRef: { kind, name } }) => {
    const watched = kind === 'Deployment' ? deployments : kind === 'StatefulSet' ? statefulSets : undefined;
    return watched?.get(keyOf({ metadata: { namespace, name } }))?.replicas ?? NaN;
  });
  const total = each.reduce((sum, replicas) => sum + replicas, 0);
  return Number.isNaN(total) ? null : total;
}
