import { expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../../operator/api/performance-policy.ts';
import { resolve } from '../../../../../operator/decide/resolve.ts';
import { units } from '../../../../../operator/levers/postgresql/indexes/unit.ts';
import { storedService } from '../../../../world/builders.ts';

function byDefault(postgres: PolicySpec['postgres']) {
  const service = storedService({
    spec: {
      components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } }],
      postgres: [{ name: 'main', secretRef: { name: 'pg' } }],
      overrides: { postgres: postgres ?? {} },
    },
  });
  const resolution = resolve({ service, policy: undefined, targets: new Map(), podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return units(resolution.resolved).map((unit) => unit.byDefault);
}

test('an index is of the defaults as long as nobody says anything of it', () => {
  const own = { name: 'orders_open', table: 'orders', columns: [{ name: 'customer_id' }] };
  expect(byDefault({ parameters: { work_mem: '16MB' }, indexes: [own] })).toEqual([
    ['workflows_status_created', 'cache_entries_lookup', 'performance_metrics_time'],
  ]);
  expect(byDefault({ indexes: [{ name: 'workflows_status_created', schema: 'shop' }] })).toEqual([
    ['cache_entries_lookup', 'performance_metrics_time'],
  ]);
  expect(byDefault({ indexes: [{ name: 'cache_entries_lookup' }] })).toEqual([
    ['workflows_status_created', 'performance_metrics_time'],
  ]);
});
