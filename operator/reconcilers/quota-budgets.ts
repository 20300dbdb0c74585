import type { GenerationService } from '../api/generation-service.ts';
import { podAmounts, templateAmounts } from '../decide/pod-amounts.ts';
import { amountText, judgeQuotas, type PodsAsked, type QuotaBudget } from '../decide/quota-budget.ts';
import type { Resolved } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import { mayClamp, type Bounds } from './budget-bounds.ts';
import { nothingToSay, type BudgetPart, type BudgetWord } from './budget-part.ts';
import type { Caches, WorkloadView } from './caches.ts';
import { countedOnce, targetOf, type Noted } from './counted-once.ts';
import type { LastWords } from './last-words.ts';
import { replicaRange } from './replica-range.ts';

export interface QuotaDeps {
  /** What the Pods of each service may take of a quota, as its last visit found. */
  readonly podsAsked: Pick<LastWords<readonly PodsAsked[]>, 'of' | 'put'>;
  readonly caches: {
    readonly services: Pick<Caches['services'], 'by'>;
    readonly hpas: Pick<Caches['hpas'], 'by'>;
    readonly deployments: Pick<Caches['deployments'], 'by'>;
    readonly statefulSets: Pick<Caches['statefulSets'], 'by'>;
    readonly quotas: Pick<Caches['quotas'], 'by'>;
  };
}

export const hasQuota = ({ metadata }: GenerationService, { quotas }: Pick<QuotaDeps['caches'], 'quotas'>): boolean =>
  quotas.by('namespace', metadata.namespace).length > 0;

/** Notes what the service's Pods may take of the quotas of its namespace, and judges whether all that may be there fits. */
export function judgeQuotaBudgets(resolved: Resolved, { podsAsked, caches }: QuotaDeps): BudgetPart {
  const { service } = resolved;
  const { namespace } = service.metadata;
  const own = ownPods(resolved, caches);
  podsAsked.put(service, own);
  const quotas = caches.quotas.by('namespace', namespace).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (quotas.length === 0) return nothingToSay;
  const others = othersOf(resolved, podsAsked, caches);
  if (others === undefined) return { problems: [], unknown: pending, fits: [], bounds: undefined };
  const named = new Set([...own.map(({ by }) => targetOf({ service, component: by })), ...others.map(targetOf)]);
  const beside = [...others.map(({ asked }) => asked), ...workloadsBeside(namespace, named, caches)];
  const judged = judgeQuotas(quotas, own, beside);
  return {
    problems: judged.flatMap(({ problem }) =>
      problem === undefined ? [] : [{ reason: 'QuotaExceeded', message: problem } as const],
    ),
    fits: judged.length === 0 ? [] : [`The quota fits: ${judged.map(fitText).join(', ')}.`],
    bounds: judged.map(boundsOf),
  };
}

const fitText = ({ quota, resource, needed, available }: QuotaBudget): string =>
  `${amountText(resource, needed)} of ${amountText(resource, available)} ${resource} in ${quota}`;

const boundsOf = ({ quota, resource, replicas }: QuotaBudget): Bounds => ({
  pools: new Map(),
  replicas: new Map([...replicas].map(([component, max]) => [component, { max, by: `quota/${quota} ${resource}` }])),
});

const pending: BudgetWord = {
  reason: 'Pending',
  message: 'Not looked at yet: other services take of the same quota.',
};

/** Of the components whose Pod template is read. */
function ownPods(resolved: Resolved, caches: QuotaDeps['caches']): readonly PodsAsked[] {
  const isEnforced = resolved.mode === 'Enforce';
  return resolved.components.flatMap((component) => {
    const each = podAmounts(component, isEnforced);
    if (each === undefined) return [];
    const { isOurs, ...range } = replicaRange(resolved, component, caches);
    return [{ ...range, by: component.spec.name, each, hasFewer: isOurs && isEnforced && mayClamp(component) }];
  });
}

/** Of the other services of the namespace; undefined while one of them was not looked at. */
function othersOf(
  resolved: Resolved,
  podsAsked: QuotaDeps['podsAsked'],
  { services }: QuotaDeps['caches'],
): readonly (Noted & { readonly asked: PodsAsked })[] | undefined {
  const { service } = resolved;
  const others = services
    .by('namespace', service.metadata.namespace)
    .filter(({ metadata }) => metadata.uid !== service.metadata.uid && metadata.deletionTimestamp === undefined)
    .map((other) => ({ key: keyOf(other), service: other, asked: podsAsked.of(other) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  if (others.some(({ asked }) => asked === undefined)) return undefined;
  const noted = others.flatMap(({ key, service: other, asked = [] }) =>
    asked.map((one) => ({ service: other, component: one.by, asked: { ...one, by: `${one.by} (${key})` } })),
  );
  return countedOnce(resolved, noted);
}

/** Of workloads of which no service says anything: a server, a proxy, that of a service whose policy is missing. They take what they are scaled to, or what their HPA may. */
function workloadsBeside(
  namespace: string,
  named: ReadonlySet<string>,
  { hpas, deployments, statefulSets }: QuotaDeps['caches'],
): readonly PodsAsked[] {
  return [...deployments.by('namespace', namespace), ...statefulSets.by('namespace', namespace)]
    .filter((workload) => !named.has(targetKey(namespace, workload)))
    .map((workload) => {
      const most = hpas.by('target', targetKey(namespace, workload)).map(({ spec }) => spec.maxReplicas);
      return fixed(workload, Math.max(workload.replicas, ...most));
    })
    .toSorted((a, b) => (a.by < b.by ? -1 : 1));
}

const fixed = ({ kind, name, containers }: WorkloadView, replicas: number): PodsAsked => ({
  by: `${kind} ${name}`,
  minReplicas: replicas,
  maxReplicas: replicas,
  each: templateAmounts(containers),
  hasFewer: false,
});
