import { rfc3339 } from '../api/rfc3339.ts';
import { isServed, servedMetrics, type ServedMetric } from '../api/served-metrics.ts';
import { matches, parseSelector } from '../kube/label-selector.ts';
import type { PodRate } from '../metrics/component-window.ts';
import { failure, type Answer } from './answer.ts';

export interface MetricsQuery {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** What is measured now of the Pods of a namespace that match. */
export type PodRates = (namespace: string, matches: (pod: MatchedPod) => boolean) => readonly PodRate[];

interface MatchedPod {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const group = 'custom.metrics.k8s.io';
const version = 'v1beta2';
const groupVersion = `${group}/${version}`;
const root = `/apis/${groupVersion}`;
/** Where it is found. `name`: of its APIService. */
export const metricsApi = { group, groupVersion, name: `${version}.${group}` } as const;
/** The category that tells us from another adapter with a metric of the same name. `genops` is that of our kinds: `kubectl get genops` is to list no more. */
const mark = 'genops-metrics';

/** How each served metric is read off a Pod's figures; a new one is a line here. */
const readers: Readonly<Record<ServedMetric, (rate: PodRate) => number | undefined>> = {
  requests_per_second: ({ requestsPerSecond }) => requestsPerSecond,
};

const preferred = { groupVersion, version };
const apiGroup = {
  kind: 'APIGroup',
  apiVersion: 'v1',
  name: group,
  versions: [preferred],
  preferredVersion: preferred,
};
const resources = servedMetrics.map((metric) => ({
  name: `pods/${metric}`,
  singularName: '',
  namespaced: true,
  kind: 'MetricValueList',
  verbs: ['get'],
  categories: [mark],
}));
const documents: Readonly<Record<string, object>> = {
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup] },
  [`/apis/${group}`]: apiGroup,
  [root]: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources },
  // The aggregator asks every server for its schemas; metric values have none that kubectl could explain.
  '/openapi/v3': { paths: {} },
  '/openapi/v2': { swagger: '2.0', info: { title: 'genops', version }, paths: {} },
};

/** Of an APIResourceList. */
export interface ApiResources {
  readonly resources?: readonly { readonly categories?: readonly string[] }[];
}
/** Whether it is we who answer so to discovery. */
export const isOurs = ({ resources: served = [] }: ApiResources): boolean =>
  served.some(({ categories = [] }) => categories.includes(mark));

const podMetric = new RegExp(`^${root}/namespaces/([^/]+)/pods/([^/]+)/([^/]+)$`);

/** Whether it asks for figures; the other documents every replica has. */
export const isAboutPods = ({ url }: Pick<MetricsQuery, 'url'>): boolean => url.startsWith(`${root}/namespaces/`);

/** Answers a request to the API custom.metrics.k8s.io/v1beta2, as k8s.io/metrics defines it. Pods whose value is unknown or stale are left out, never repeated. */
export function answerMetricsQuery({ method, url }: MetricsQuery, rates: PodRates): Answer {
  const { pathname, searchParams } = new URL(url, 'https://metrics');
  if (method !== 'GET') return failure(405, 'MethodNotAllowed', `${method} is not supported: metrics are read only`);
  const document = Object.hasOwn(documents, pathname) ? documents[pathname] : undefined;
  if (document !== undefined) return { status: 200, body: document };
  const [, namespace, pod, metric] = podMetric.exec(pathname)?.map(decoded) ?? [];
  if (namespace === undefined || pod === undefined || metric === undefined || !isServed(metric))
    return failure(404, 'NotFound', `the server could not find the metric ${metric ?? pathname} for pods`);
  try {
    const selector = parseSelector(searchParams.get('labelSelector') ?? '');
    const chosen = rates(namespace, ({ name, labels }) => (pod === '*' ? matches(selector, labels) : name === pod));
    const items = itemsOf(chosen, metric);
    if (pod !== '*' && items.length === 0)
      return failure(404, 'NotFound', `the server could not find the metric ${metric} for pods ${pod}`);
    return { status: 200, body: { kind: 'MetricValueList', apiVersion: groupVersion, metadata: {}, items } };
  } catch (error) {
    if (Error.isError(error) && error.name === 'RangeError') return failure(400, 'BadRequest', error.message);
    throw error;
  }
}

function itemsOf(rates: readonly PodRate[], metric: ServedMetric): readonly object[] {
  // Two components may have Pods in common; the HPA would take a Pod that stands here twice for two.
  const byPod = new Map(rates.map((rate) => [rate.pod, rate]));
  return [...byPod.values()].flatMap((rate) => {
    const value = readers[metric](rate);
    if (value === undefined || rate.observedAt === undefined) return [];
    return [
      {
        describedObject: { kind: 'Pod', namespace: rate.namespace, name: rate.pod, apiVersion: 'v1' },
        metric: { name: metric, selector: null },
        timestamp: rfc3339(rate.observedAt),
        windowSeconds: Math.round(rate.windowSeconds ?? 0),
        value: `${Math.round(value * 1_000)}m`,
      },
    ];
  });
}

/** The API server writes `*` as `%2A`. What cannot be decoded names nothing that there is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (Error.isError(error) && error.name === 'URIError') return text;
    throw error;
  }
}
