import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { ignoredFields, notImplemented } from '../../../operator/reconcilers/not-implemented.ts';
import { componentOf, serviceWith } from './measured-service.ts';

interface Row {
  readonly name: string;
  readonly spec: Partial<GenerationServiceSpec>;
  readonly says: readonly string[];
}
describe('notImplemented()', () => {
  test.each<Row>([
    { name: 'nothing where nothing was declared', spec: {}, says: [] },
    {
      name: 'a section of the overrides',
      spec: { overrides: { vertical: { mode: 'Enforce' } } },
      says: ['VerticalApplied'],
    },
    {
      name: 'one of a component alone',
      spec: { components: [{ ...componentOf('workflow'), overrides: { resources: { mode: 'Enforce' } } }] },
      says: ['ResourcesApplied'],
    },
    {
      name: 'budgets of a service without a PostgreSQL',
      spec: { overrides: { budgets: { onViolation: 'Report' } } },
      says: ['BudgetsConsistent'],
    },
    {
      name: 'nothing where the connections of one are reckoned',
      spec: {
        overrides: { budgets: { onViolation: 'Report' } },
        postgres: [{ name: 'main', secretRef: { name: 'pg' } }],
      },
      says: [],
    },
  ])('says of $name', ({ spec, says }) => {
    using world = serviceWith({ spec });
    const found = notImplemented(world.resolution().resolved);
    expect(found.map(({ type }) => type)).toEqual(says);
    for (const { message } of found)
      expect(message).toMatch(/^saw .* declared; wanted .*; next: .* until you upgrade$/);
  });
});

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
      name: 'index advice, but not slow statements, the pooler in between nor what the budget keeps free',
      spec: {
        postgres: [{ name: 'main', secretRef: { name: 'pg' }, pooler: { serverConnections: 40 } }],
        overrides: {
          postgres: { indexes: off, indexAdvice: 'Recommend', slowStatements: { top: 5 }, reservedConnections: 5 },
        },
      },
      says: ['postgres.indexAdvice'],
    },
    {
      name: 'maintenanceWindows',
      spec: { overrides: { maintenanceWindows: [{ name: 'night', schedule: '0 2 * * *', duration: '2h' }] } },
      says: ['maintenanceWindows'],
    },
    {
      name: 'admin of a component',
      spec: {
        components: [
          {
            ...componentOf('workflow'),
            admin: { port: 'admin', scheme: 'HTTPS', secretRef: { name: 'admin', key: 'key' } },
          },
        ],
      },
      says: ['components[].admin'],
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
