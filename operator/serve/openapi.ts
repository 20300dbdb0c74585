import { Type, type TSchema } from 'typebox';
import { viewPaths, type ViewPath } from './view-routes.ts';
import { CacheStatus } from './views/cache-status.ts';
import { DatabaseStatus } from './views/database-status.ts';
import { Fleet } from './views/fleet.ts';
import { History } from './views/history.ts';
import { Load } from './views/load.ts';
import { MonitoringMetrics } from './views/monitoring-metrics.ts';
import { PerformanceStatus } from './views/performance-status.ts';
import { Resources } from './views/resources.ts';

const Status = Type.Object(
  {
    kind: Type.Enum(['Status'], { type: 'string' }),
    apiVersion: Type.Enum(['v1'], { type: 'string' }),
    metadata: Type.Object({}),
    status: Type.Enum(['Failure'], { type: 'string' }),
    reason: Type.String(),
    message: Type.String(),
    code: Type.Integer(),
  },
  { description: 'A failure, as the API server itself would tell it.' },
);

const schemas: Readonly<Record<string, TSchema & { readonly description?: string }>> = {
  PerformanceStatus,
  Resources,
  Load,
  History,
  MonitoringMetrics,
  CacheStatus,
  DatabaseStatus,
  Fleet,
  Status,
};

const schemaOf: Readonly<Record<ViewPath, string>> = {
  'api/performance/status': 'PerformanceStatus',
  'api/performance/resources': 'Resources',
  'api/performance/load': 'Load',
  'api/performance/history': 'History',
  'api/monitoring/metrics': 'MonitoringMetrics',
  'api/cache/status': 'CacheStatus',
  'api/database/status': 'DatabaseStatus',
};

const query = (name: string, description: string) => ({ name, in: 'query', description, schema: { type: 'string' } });
const inPath = (name: string) => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string' },
  description: `Of the service: its ${name}.`,
});
const queries: Readonly<Partial<Record<ViewPath, readonly object[]>>> = {
  'api/performance/status': [query('window', 'Of the trend, 10s to 24h, for example 5m; else that of the objectives.')],
  'api/performance/history': [query('since', 'RFC 3339 or ms since 1970; else everything that is kept.')],
};

const json = (name: string) => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });
const operation = (schema: string, parameters: readonly object[], operationId: string) => ({
  get: {
    operationId,
    summary: schemas[schema]?.description ?? '',
    parameters,
    responses: {
      200: { description: 'As asked.', content: json(schema) },
      default: { description: 'Why there is none.', content: json('Status') },
    },
  },
});

const service = '/namespaces/{namespace}/generationservices';

/** The views as an OpenAPI 3.1 document: docs/reference/openapi.json, and what is served at /openapi.json. */
export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'genops views',
    version: 'v1',
    description: 'What genops measures and decides, for each GenerationService. A figure that is not known is null.',
  },
  security: [{ token: [] }],
  paths: {
    '/generationservices': operation(
      'Fleet',
      [query('namespace', 'Of this one only; without the right to list views of all namespaces it is needed.')],
      'fleet',
    ),
    [service]: operation('Fleet', [inPath('namespace')], 'fleetOfNamespace'),
    ...Object.fromEntries(
      viewPaths.map((path) => {
        const parameters = [inPath('namespace'), inPath('name'), ...(queries[path] ?? [])];
        const name = schemaOf[path];
        return [
          `${service}/{name}/${path}`,
          operation(name, parameters, `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`),
        ];
      }),
    ),
  },
  components: {
    schemas,
    securitySchemes: {
      token: {
        type: 'http',
        scheme: 'bearer',
        description:
          'A token that the cluster takes: kubectl create token. It needs get (or list) of generationservices/views in genops.dev.',
      },
    },
  },
};
