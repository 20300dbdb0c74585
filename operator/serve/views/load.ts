import { Type, type Static } from 'typebox';
import { rfc3339 } from '../../api/rfc3339.ts';
import { isLowerBound, type ComponentFigures } from '../../metrics/component-figures.ts';
import { quantile, together, type Histogram } from '../../metrics/histogram.ts';
import {
  figure,
  known,
  serviceName,
  ServiceName,
  sumOf,
  textOrNull,
  time,
  timeOf,
  timeOrNull,
  valueOf,
  view,
} from './figures.ts';
import type { ViewInput } from './figures.ts';

const percentiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;
type Percentile = keyof typeof percentiles;
const sums = ['requestRate', 'inFlight', 'queue'] as const;
const bounded = [...sums, 'p50', 'p95', 'p99'] as const;

const figures = {
  requestRate: figure('Requests per second.'),
  requestRatePerPod: figure('Requests per second of one Pod, as a mean.'),
  inFlight: figure('Workflows in flight.'),
  queue: figure('Requests that wait.'),
  p50: figure('Median response time in seconds.'),
  p95: figure('95th percentile of the response time in seconds.'),
  p99: figure('99th percentile of the response time in seconds.'),
  atLeast: Type.Array(Type.Enum([...bounded], { type: 'string', description: 'Name of a figure.' }), {
    description:
      'What is a lower bound: sums that lack a part, since a Pod is not read or does not tell it, and percentiles beyond the last bucket of the histogram.',
  }),
  errorRate: figure('Share of responses with a 5xx status, 0 to 1.'),
  observedAt: timeOrNull('When the newest of these was measured.'),
};

const ComponentLoad = view('One component.', {
  name: Type.String({ description: 'Name.' }),
  source: textOrNull('Where its figures come from.'),
  ...figures,
});

export const Load = view(
  'View B3: what is asked of the service and how fast it answers, over the window of the objectives.',
  {
    service: ServiceName,
    observedAt: time('When this was answered.'),
    components: Type.Array(ComponentLoad, { description: 'In the order of the spec.' }),
    total: view('All components together; of the error rate the highest.', figures),
  },
);
export type Load = Static<typeof Load>;

export function load({ service, components, now }: ViewInput): Load {
  const sources = new Map(service.status?.components?.map(({ name, metricsSource }) => [name, metricsSource]));
  const all = components.flatMap((component) => component.figures ?? []);
  return {
    service: serviceName(service),
    observedAt: rfc3339(now),
    components: components.map(({ name, figures: seen }) => ({
      name,
      source: sources.get(name) ?? null,
      ...loadOf(seen === undefined ? [] : [seen]),
    })),
    total: loadOf(all),
  };
}

function loadOf(all: readonly ComponentFigures[]): Load['total'] {
  const histogram = all
    .flatMap(({ histograms }) => histograms.responseTime ?? [])
    .reduce<Histogram | undefined>((sum, one) => together(sum, one), undefined);
  const [only, another] = all;
  const errors = all.flatMap(({ errorRatio }) => errorRatio?.value ?? []);
  return {
    requestRate: sumOf(all.map(({ requestRate }) => requestRate?.value)),
    requestRatePerPod: another === undefined ? valueOf(only?.requestRatePerPod) : null, // Pods of different work have no mean
    inFlight: sumOf(all.map(({ inFlight }) => inFlight?.value)),
    queue: sumOf(all.map(({ queue }) => queue?.value)),
    ...percentilesOf(histogram),
    atLeast: [...sums.filter((name) => isBound(all, name)), ...beyond(histogram)],
    errorRate: errors.length === 0 ? null : known(Math.max(...errors)),
    observedAt: timeOf(newestOf(all)),
  };
}

const isBound = (all: readonly ComponentFigures[], name: (typeof sums)[number]): boolean =>
  all.some(({ [name]: seen }) => seen !== undefined) && isLowerBound(all, name);

const percentilesOf = (histogram: Histogram | undefined) =>
  Object.fromEntries(
    Object.entries(percentiles).map(([name, share]) => [name, known(histogram && quantile(histogram, share)?.value)]),
  ) as Record<Percentile, number | null>;

const beyond = (histogram: Histogram | undefined): Percentile[] =>
  (Object.keys(percentiles) as Percentile[]).filter(
    (name) => histogram !== undefined && quantile(histogram, percentiles[name])?.atLeast === true,
  );

function newestOf(all: readonly ComponentFigures[]): number | undefined {
  const seen = all.flatMap(({ requestRate, inFlight, queue, errorRatio, histograms: { responseTime } }) =>
    [requestRate, inFlight, queue, errorRatio, responseTime].flatMap((one) => one?.observedAt ?? []),
  );
  return seen.length === 0 ? undefined : Math.max(...seen);
}
