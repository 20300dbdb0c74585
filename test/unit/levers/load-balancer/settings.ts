import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import type { LoadBalancerSettings } from '../../../../operator/api/load-balancer-settings.ts';
import { settingsOf, type NginxSpec } from '../../../../operator/levers/load-balancer/settings.ts';

type Policy = NonNullable<PolicySpec['loadBalancer']>;

const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
export const components = [{ name: 'workflow', targetRef, serviceRef: { name: 'generation', port: 'http' } }];

/** What the operator writes for a service with this policy and this nginx; the guide's figures where nothing is said. */
export function writtenFor(policy: Policy = {}, nginx: Partial<NginxSpec> = {}) {
  const { loadBalancer } = effectivePolicy({ overrides: { loadBalancer: policy } }).policy;
  const written = settingsOf({
    policy: loadBalancer,
    nginx: { podSelector: { matchLabels: {} }, ...nginx },
    components,
    slots: { workflow: 5 },
  });
  if (written === undefined) throw new Error('no component has a Service');
  return written;
}

export const settingsFor = (...given: Parameters<typeof writtenFor>): LoadBalancerSettings =>
  writtenFor(...given).settings;
