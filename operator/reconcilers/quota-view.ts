import { amount } from '../api/quantity.ts';
import type { Counted } from '../decide/pod-amounts.ts';
import type { Quota } from '../decide/quota-budget.ts';
import type { ResourceQuota } from './kinds.ts';

/** A ResourceQuota, as far as it bounds the Pods of a workload that runs on. */
export interface QuotaView extends Quota {
  readonly namespace: string;
}

/** One name for each figure; `cpu` is what `requests.cpu` is. */
const names: Readonly<Record<string, Counted>> = {
  cpu: 'requests.cpu',
  'requests.cpu': 'requests.cpu',
  memory: 'requests.memory',
  'requests.memory': 'requests.memory',
  'limits.cpu': 'limits.cpu',
  'limits.memory': 'limits.memory',
  pods: 'pods',
  'count/pods': 'pods',
};

/** What it has in hand for other Pods than these (of a priority class, of a job) bounds nothing here. */
export function projectQuota({ metadata: { namespace = '', name }, spec = {} }: ResourceQuota): QuotaView {
  const { hard = {}, scopes = [], scopeSelector } = spec;
  const isForAll = scopeSelector === undefined && scopes.every((scope) => scope === 'NotTerminating');
  const figures = Object.entries(isForAll ? hard : {}).flatMap(([key, text]) => {
    const [counted, figure] = [names[key], amount(text)];
    if (counted === undefined || figure === undefined) return [];
    return [[counted, Math.floor(figure * (counted.endsWith('.cpu') ? 1000 : 1) + 1e-6)] as const];
  });
  const least = figures.toSorted(([, a], [, b]) => b - a); // the last of one name counts: of cpu and requests.cpu both are in force
  return { namespace, name, hard: Object.fromEntries(least) };
}
