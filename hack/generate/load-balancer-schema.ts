import { LoadBalancerSettings } from '../../operator/api/load-balancer-settings.ts';

/** The format of what the agent beside nginx is given, for who writes it himself. */
export const loadBalancerSchema = (): ReadonlyMap<string, string> =>
  new Map([
    [
      'docs/reference/load-balancer-settings.schema.json',
      `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...LoadBalancerSettings }, undefined, 2)}\n`,
    ],
  ]);
