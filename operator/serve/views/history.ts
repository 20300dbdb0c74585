import { Type, type Static } from 'typebox';
import { rfc3339 } from '../../api/rfc3339.ts';
import { known, serviceName, ServiceName, time, view } from './figures.ts';
import type { GenerationService } from '../../api/generation-service.ts';
import type { Bounds, TimelineEntry } from './timeline.ts';
import type { Rows } from './rows.ts';

const series = (description: string) =>
  Type.Array(Type.Unsafe<number | null>({ type: ['number', 'null'] }), {
    description: `${description} One value for each of \`times\`; null: a gap.`,
  });

export const History = view('Everything that charts need: figures of a time, and what changed when.', {
  service: ServiceName,
  observedAt: time('When this was answered.'),
  times: Type.Array(Type.Number(), { description: 'ms since the epoch, oldest first.' }),
  series: view('Of all components: of rates, replicas and bounds the sum, of everything else the worst.', {
    requestRate: series('Requests per second.'),
    responseTimeP95: series('In seconds.'),
    cacheHitRatio: series('0 to 1, of the workload’s own caches.'),
    errorRate: series('Share of responses with a 5xx status, 0 to 1.'),
    cpuPercent: series('Of the limits, else of the requests.'),
    memoryMb: series('The highest of a Pod, in units of 2^20 bytes.'),
    inFlight: series('Workflows in flight.'),
    queue: series('Requests that wait.'),
    replicas: series('Ready Pods.'),
    floor: series('minReplicas of the autoscalers.'),
    max: series('maxReplicas of the autoscalers.'),
  }),
  changes: Type.Array(
    view('Something that happened.', {
      at: Type.Number({ description: 'ms since the epoch.' }),
      kind: Type.Enum(['decision', 'condition', 'spec', 'bounds'], { type: 'string', description: 'What it was.' }),
      component: Type.String({ description: 'Empty: the service as a whole.' }),
      text: Type.String({ description: 'What happened, and why.' }),
    }),
    { description: 'Oldest first; what the operator that answers has seen, at most 100.' },
  ),
});
export type History = Static<typeof History>;

export interface HistoryInput {
  readonly service: GenerationService;
  readonly components: readonly { readonly rows: Rows; readonly bounds: readonly Bounds[] }[];
  readonly changes: readonly TimelineEntry[];
  readonly now: number;
}

/** A row of one component, or nothing where it has none of that time. */
type Row = Readonly<Record<keyof Rows['figures'], number>> | undefined;

export function history({ service, components, changes, now }: HistoryInput): History {
  const longest = components.map(({ rows }) => rows.times).toSorted((a, b) => b.length - a.length)[0] ?? [];
  const times = [...longest];
  const aligned = components.map(({ rows }) => alignedRows(rows, times));
  const each = (of: (row: NonNullable<Row>) => number, fold: Fold): (number | null)[] =>
    times.map((_, at) =>
      folded(
        aligned.flatMap((rows) => (rows[at] === undefined ? [] : [of(rows[at])])),
        fold,
      ),
    );
  const bound = (name: 'floor' | 'max'): (number | null)[] =>
    times.map((at) =>
      folded(
        components.map(({ bounds }) => boundAt(bounds, at)?.[name] ?? NaN),
        sum,
      ),
    );
  return {
    service: serviceName(service),
    observedAt: rfc3339(now),
    times,
    series: {
      requestRate: each(({ requestRate }) => requestRate, sum),
      responseTimeP95: each(({ responseTimeP95 }) => responseTimeP95, highest),
      cacheHitRatio: each(({ cacheHitRate, cacheMissRate }) => cacheHitRate / (cacheHitRate + cacheMissRate), lowest),
      errorRate: each(({ errorRate, requestRate }) => errorRate / requestRate, highest),
      cpuPercent: each(({ cpuPercent }) => cpuPercent, highest),
      memoryMb: each(({ memoryBytes }) => memoryBytes / 2 ** 20, highest),
      inFlight: each(({ inFlight }) => inFlight, sum),
      queue: each(({ queue }) => queue, sum),
      replicas: each(({ podsReady }) => podsReady, sum),
      floor: bound('floor'),
      max: bound('max'),
    },
    changes: changes.map(({ at, kind, component, text }) => ({ at, kind, component, text })),
  };
}

type Fold = (values: readonly number[]) => number;
const sum: Fold = (values) => values.reduce((total, value) => total + value, 0);
const highest: Fold = (values) => Math.max(...values);
const lowest: Fold = (values) => Math.min(...values);

function folded(values: readonly number[], fold: Fold): number | null {
  const seen = values.filter(Number.isFinite);
  return seen.length === 0 ? null : known(fold(seen));
}

/** For each time the newest row that is not later than half a step after it and not older than one and a half: components are measured at moments of their own. */
function alignedRows({ times, figures }: Rows, wanted: readonly number[]): readonly Row[] {
  const stepMs = wanted.length < 2 ? 10_000 : ((wanted.at(-1) ?? 0) - (wanted[0] ?? 0)) / (wanted.length - 1);
  let row = -1;
  return wanted.map((at) => {
    while ((times[row + 1] ?? Infinity) <= at + stepMs / 2) row++;
    const seenAt = times[row];
    if (seenAt === undefined || at - seenAt > 1.5 * stepMs) return undefined;
    const values = Object.entries(figures).map(([column, all]) => [column, all[row] ?? NaN]);
    return Object.fromEntries(values) as NonNullable<Row>;
  });
}

const boundAt = (bounds: readonly Bounds[], at: number): Bounds | undefined =>
  bounds.findLast((bound) => bound.at <= at);
