import type { LoadBalancerReport } from '../../../../operator/api/load-balancer-report.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import { plan, type LoadBalancerObserved } from '../../../../operator/levers/load-balancer/plan.ts';
import type { AgentSaid } from '../../../../operator/levers/load-balancer/reports.ts';
import type { LoadBalancerUnit } from '../../../../operator/levers/load-balancer/unit.ts';
import { components, writtenFor } from './settings.ts';

export const unit: LoadBalancerUnit = {
  name: 'nginx',
  mode: 'Enforce',
  namespace: 'ai',
  configMapName: 'generation-nginx',
  owner: {
    apiVersion: 'genops.dev/v1alpha1',
    kind: 'GenerationService',
    name: 'generation',
    uid: 'u',
    controller: true,
  },
  policy: effectivePolicy({}).policy.loadBalancer,
  nginx: { podSelector: { matchLabels: { app: 'nginx' } } },
  components,
  podLabels: { app: 'nginx' },
  gateway: undefined,
  image: 'genops-nginx:1',
  slots: { workflow: 5 },
};
export const {
  settings: { hash },
  text,
} = writtenFor();
const metadata = {
  name: 'generation-nginx',
  namespace: 'ai',
  uid: 'c',
  resourceVersion: '1',
  creationTimestamp: '',
};
export const configMap = (data: Readonly<Record<string, string>>, controller = 'u') => ({ controller, metadata, data });
export const inForce = configMap({ 'settings.json': text });

export function says(pod: string, loaded: string | undefined, rejected?: LoadBalancerReport['rejected']): AgentSaid {
  const pods = [10, 32].map((weight, index) => ({ server: `10.0.0.${index}:80`, weight, why: 'Measured' }));
  const weights = { workflow: { mode: 'Adaptive', pods } };
  const serving = { method: 'LeastConn', https: false, servers: { workflow: 2 }, weights };
  const report: LoadBalancerReport = {
    version: 1,
    serverVersion: '1.31.3',
    capabilities: [],
    ...(loaded === undefined ? {} : { loaded: { hash: loaded, ...serving } }),
    ...(rejected === undefined ? {} : { rejected }),
    drainingWorkers: 0,
    loads: 1,
  };
  return { pod, kind: 'said', report };
}
export const old = '000000000000';

export type Observed = Omit<LoadBalancerObserved, 'gateway'> & Partial<LoadBalancerObserved>;
export const planned = (observed: Observed, given: Partial<LoadBalancerUnit> = {}, applied?: string) =>
  plan({
    unit: { ...unit, ...given },
    observed: { gateway: [], ...observed },
    memory: applied === undefined ? undefined : { applied: { hash: applied } },
    now: 0,
  });
