import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { effectivePolicy, type EffectivePolicy } from '../decide/effective-policy.ts';
import { judgeObjectives } from '../decide/objectives.ts';
import type { Kube } from '../kube/client.ts';
import { openCollection } from '../kube/collection.ts';
import { keyOf, splitKey, type Key, type KubeObject } from '../kube/object.ts';
import { generationServices } from '../reconcilers/kinds.ts';
import { createLogger } from '../telemetry/logger.ts';
import { policyOf, serviceOf } from './cluster.ts';
import { UsageError } from './command.ts';
import { operatorVouching, type Vouching } from './status-operator.ts';
import { asked, type Look } from './verdict.ts';

interface Watching {
  readonly kube: Kube;
  readonly key: Key;
  /** Of the operator's Lease. */
  readonly leaseNamespace: string;
  /** When it is aborted there is one look more, and that is the last. */
  readonly until: AbortSignal;
}

/** How a service stands: now, and whenever that changes. @throws {UsageError} where it is not there, {ApiError} where it may not be read. */
export async function* serviceLooks(watching: Watching, signal: AbortSignal): AsyncGenerator<Look> {
  const { kube, key, leaseNamespace } = watching;
  for await (const service of watched(watching, signal)) {
    const policy = await policyOf(kube, service, signal);
    const { namespace: of = '' } = splitKey(key);
    const vouched = await operatorVouching(kube, { namespace: leaseNamespace, of }, Date.now(), signal);
    yield serviceLook(service, policy, vouched);
  }
}

async function* watched(
  { kube, key, until }: Omit<Watching, 'leaseNamespace'>,
  signal: AbortSignal,
): AsyncGenerator<GenerationService & KubeObject> {
  yield await serviceOf(kube, key, signal);
  if (!until.aborted) {
    const { namespace, name } = splitKey(key);
    const fieldSelector = `metadata.name=${name}`;
    await kube.listPage(generationServices, { namespace, fieldSelector, limit: 1 }, signal); // a cache would ask again and again
    const logger = createLogger({ level: 'error', format: 'text' });
    const namespaces = namespace === undefined ? undefined : [namespace];
    await using all = openCollection({
      kube,
      resource: generationServices,
      namespaces,
      fieldSelector,
      logger,
      project: (service) => service,
    });
    const ended = whenAborted([until, signal]);
    let changed = Promise.withResolvers<void>();
    all.onChange(() => changed.resolve());
    while (!until.aborted) {
      await Promise.race([changed.promise, ended]);
      signal.throwIfAborted();
      if (until.aborted) break;
      changed = Promise.withResolvers<void>();
      const service = all.get(key);
      if (service === undefined)
        throw new UsageError(`saw GenerationService ${key} being deleted; wanted it to meet its objectives`);
      yield service;
    }
  }
  if (until.aborted) yield await serviceOf(kube, key, signal);
}

const whenAborted = (signals: readonly AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    AbortSignal.any([...signals]).addEventListener('abort', () => resolve(), { once: true });
  });

/** What the status of a service says of its objectives, with what the policy wants of each. @param vouched Undefined: somebody keeps that status up to date. */
export function serviceLook(
  service: GenerationService,
  policy: (Pick<PerformancePolicy, 'spec'> & { readonly metadata: { name: string; generation?: number } }) | undefined,
  vouched: Vouching,
): Look {
  const { status = {}, spec } = service;
  const { policy: effective } = effectivePolicy({
    ...(policy === undefined ? {} : { policy: { name: policy.metadata.name, spec: policy.spec } }),
    ...(spec.overrides === undefined ? {} : { overrides: spec.overrides }),
  });
  const { conditions = [], objectives = notMeasured(effective.objectives) } = status;
  const metrics = conditions.find(({ type }) => type === 'MetricsAvailable');
  return {
    about: keyOf(service),
    objectives: asked(objectives, effective.objectives),
    unsettled:
      (vouched !== undefined && 'silence' in vouched ? vouched.silence : undefined) ??
      unsettled(service, policy?.metadata.generation),
    ...(vouched !== undefined && 'unknown' in vouched ? { caution: vouched.unknown } : {}),
    remarks: metrics === undefined || metrics.status === 'True' ? [] : [`MetricsAvailable: ${metrics.message}`],
  };
}

/** Status has no objectives before there is a first figure. */
const notMeasured = (policy: EffectivePolicy['objectives']): Parameters<typeof asked>[0] =>
  judgeObjectives({ policy, measured: {}, previous: undefined, now: 0 }).objectives.map(
    ({ since: _, ...entry }) => entry,
  );

/** Why the status is not about what is declared now. */
function unsettled({ metadata, status = {} }: GenerationService, generation: number | undefined): string | undefined {
  const { observedGeneration, conditions = [], policy = {} } = status;
  if (observedGeneration === undefined || observedGeneration < 0) return 'the operator has not looked at it yet';
  if (observedGeneration !== metadata.generation)
    return `the status is about generation ${observedGeneration} of the spec, which is at ${metadata.generation}`;
  const rejected = conditions.find(({ type, status: state }) => type === 'PolicyAccepted' && state !== 'True');
  if (rejected !== undefined) return `the policy is not accepted: ${rejected.message}`;
  if (generation !== undefined && (policy.observedGeneration ?? 0) < generation)
    return `the status is about generation ${policy.observedGeneration ?? 0} of the policy, which is at ${generation}`;
  return undefined;
}
