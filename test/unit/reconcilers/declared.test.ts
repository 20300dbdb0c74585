import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { ignoredFields } from '../../../operator/reconcilers/declared.ts';
import { serviceWith } from './measured-service.ts';

interface Row {
  readonly name: string;
  readonly spec: Partial<GenerationServiceSpec>;
  readonly says: readonly string[];
}
const nginx = { type: 'Nginx', nginx: { podSelector: { matchLabels: { app: 'nginx' } } } } as const;

const off = ['workflows_status_created', 'cache_entries_lookup', 'performance_metrics_time'].map((name) => ({
  name,
  mode: 'Off' as const,
}));

describe('ignoredFields()', () => {
  test.each<Row & { readonly annotations?: Readonly<Record<string, string>> }>([
    { name: 'nothing where nothing was declared', spec: {}, says: [] },
    {
      name: 'nothing of what is acted on',
      spec: { overrides: { redis: { maxMemory: '64Mi', monitoring: { slowLogEntries: 5, bigKeys: { top: 3 } } } } },
      says: [],
    },
    {
      name: 'nothing of a PostgreSQL with the indexes that it has by default',
      spec: { postgres: [{ name: 'main', secretRef: { name: 'pg' } }] },
      says: [],
    },
    {
      name: 'nothing of a PostgreSQL of which only parameters are declared',
      spec: {
        postgres: [{ name: 'main', secretRef: { name: 'pg' } }],
        overrides: { postgres: { indexes: off, parameters: { work_mem: '16MB' } } },
      },
      says: [],
    },
    {
      name: 'nothing of index advice, slow statements, the pooler in between and what the budget keeps free',
      spec: {
        postgres: [{ name: 'main', secretRef: { name: 'pg' }, pooler: { serverConnections: 40 } }],
        overrides: {
          postgres: { indexes: off, indexAdvice: 'Recommend', slowStatements: { top: 5 }, reservedConnections: 5 },
        },
      },
      says: [],
    },
    {
      name: 'nothing of weights',
      spec: { loadBalancer: nginx, overrides: { loadBalancer: { weights: { min: 20 } } } },
      says: [],
    },
    {
      name: 'an approval',
      spec: {},
      annotations: { 'genops.dev/approve': 'abc' },
      says: ['the annotation genops.dev/approve'],
    },
  ])('names $name', ({ spec, annotations = {}, says }) => {
    using world = serviceWith({ spec, annotations });
    expect(ignoredFields(world.resolution().resolved)).toEqual(says);
  });
});
