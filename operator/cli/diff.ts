import type { PodsMetricsWay } from '../decide/resolve.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import { observe, planAll, unitKey, type UnitPlan } from '../levers/run.ts';
import { openCaches } from '../reconcilers/caches.ts';
import { createEffectivePolicies } from '../reconcilers/effective-policies.ts';
import { apiServices } from '../reconcilers/kinds.ts';
import { serviceLevers } from '../reconcilers/operator.ts';
import { podsMetricsWay } from '../reconcilers/pods-metrics.ts';
import { createStates } from '../reconcilers/state.ts';
import { resolveService } from '../reconcilers/visit.ts';
import { createLogger } from '../telemetry/logger.ts';
import { connect, keyFrom } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, UsageError } from './command.ts';
import { table } from './table.ts';

export const diff = command({
  summary: 'show what the operator would change now, with the same plans, and change nothing',
  usage: 'NAME [-n NAMESPACE]',
  examples: ['genops diff generation -n ai   # exit code 1 when something differs'],
  options: { ...clusterOptions, output: { type: 'string', short: 'o', default: 'text' } },
  help: { ...clusterHelp, output: 'text or json' },
  async run({ values, positionals, out, err, signal }) {
    const { kube: client, namespace } = connect(values);
    await using kube = client;
    const key = keyFrom(positionals, namespace, 'genops diff generation -n ai');
    const logger = createLogger({ level: 'error', format: 'text' });
    await using caches = openCaches({ kube, namespaces: [namespace], watchApiServices: false, logger });
    await Promise.all(
      caches.all.map((collection) => collection.synced(AbortSignal.any([signal, AbortSignal.timeout(20_000)]))),
    );
    const service = caches.services.get(key);
    if (service === undefined)
      throw new UsageError(`saw no GenerationService ${key}; wanted one of: kubectl get gensvc -A`);

    const way = await installedWay(kube, signal);
    const policies = createEffectivePolicies();
    const resolution = await resolveService(service, { caches, kube, policies, podsMetrics: () => way }, signal);
    if (resolution.kind === 'problem') {
      for (const { type, status, message } of resolution.conditions)
        if (status !== 'True') err.write(`${type}: ${message}\n`);
      return exit.cannotTell;
    }
    // What DryRun and Paused hold back is just what is asked for here.
    const observations = await observe(
      serviceLevers(kube, caches),
      { ...resolution.resolved, mode: 'Enforce' },
      signal,
    );
    const plans = planAll(observations, {
      memory: createStates(kube, caches.states).of(service).levers,
      now: Date.now(),
      verb: 'plan',
    });
    out.write(
      values.output === 'json' ? `${JSON.stringify(plans.map(asJson), undefined, 2)}\n` : plans.map(asText).join(''),
    );
    if (plans.some(({ problem }) => problem !== undefined)) return exit.cannotTell;
    return plans.some(({ changes }) => changes.length > 0) ? exit.no : exit.yes;
  },
});

const differencesOf = ({ changes }: UnitPlan) =>
  changes.flatMap(({ cause, differences }) => differences.map((difference) => ({ ...difference, cause })));

const asJson = (plan: UnitPlan) => ({
  unit: unitKey(plan),
  condition: plan.condition,
  differences: differencesOf(plan),
});

function asText(plan: UnitPlan): string {
  const rows = differencesOf(plan).map(({ field, from, to, cause }) => [
    field,
    from ?? '(none)',
    `→ ${to}`,
    cause === 'Declared' ? '' : `(${cause})`,
  ]);
  return `${unitKey(plan)}: ${rows.length === 0 ? plan.condition.message : `${rows.length} to change`}\n${table(rows, '  ')}`;
}

const coreServices = resource<KubeObject>({
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
});

/** How the installed operator gives Pods metrics to HPAs: through its metrics API when the whole group leads to a Service of ours. */
async function installedWay(kube: Kube, signal: AbortSignal): Promise<PodsMetricsWay> {
  try {
    const all = await kube.list(apiServices, {}, signal);
    const service = all.find(({ spec }) => spec.group === 'custom.metrics.k8s.io')?.spec.service;
    if (service?.namespace === undefined || service.name === undefined) return 'Shadow';
    const { namespace, name } = service;
    const object = await kube.get(coreServices, `${namespace}/${name}`, signal);
    const isOurs = object?.metadata.labels?.['app.kubernetes.io/name'] === 'genops';
    return podsMetricsWay(all, isOurs ? { namespace, name } : undefined);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return 'Shadow'; // may not look: as without the API
    throw error;
  }
}
