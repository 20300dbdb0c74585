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
    workflowDurationP95: series('In seconds.'),
    cacheHitRatio: series('0 to 1, of the workload’s own caches.'),
    errorRate: series('Share of responses with a 5xx status, 0 to 1.'),
    cpuPercent: series('Of the limits, else of the requests.'),
    memoryMb: series('The highest of a Pod, in units of 2^20 bytes.'),
    inFlight: series('Workflows in flight.'),
    queue: series('Requests that wait.'),
    replicas: series('Ready Pods.'),
    requestRatePods: series('Those of them that told their requests. Fewer: requestRate is a lower bound.'),
    inFlightPods: series('Those that told what is in flight. Fewer: inFlight is a lower bound.'),
    queuePods: series('Those that told what waits. Fewer: queue is a lower bound.'),
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

/** Which of a component's rows stands for each of the times; -1: none does. */
interface Aligned {
  readonly figures: Rows['figures'];
  readonly rows: Int32Array;
}

export function history({ service, components, changes, now }: HistoryInput): History {
  const times = [...(components.map(({ rows }) => rows.times).toSorted((a, b) => b.length - a.length)[0] ?? [])];
  const aligned = components.map(({ rows }): Aligned => ({ figures: rows.figures, rows: rowsAt(rows.times, times) }));
  const each = (of: (figures: Rows['figures'], row: number) => number, fold: Fold): (number | null)[] =>
    times.map((_, at) =>
      folded(
        aligned,
        ({ figures, rows }) => {
          const row = rows[at] ?? -1;
          return row === -1 ? NaN : of(figures, row);
        },
        fold,
      ),
    );
  const column = (name: keyof Rows['figures'], fold: Fold): (number | null)[] =>
    each((figures, row) => figures[name][row] ?? NaN, fold);
  const told = (name: 'requestRate' | 'inFlight' | 'queue'): (number | null)[] =>
    each(
      ({ podsAnswered, [`${name}Partial` as const]: partial }, row) =>
        (podsAnswered[row] ?? NaN) - (partial[row] ?? NaN),
      sum,
    );
  const bound = (name: 'floor' | 'max'): (number | null)[] =>
    times.map((at) => folded(components, ({ bounds }) => boundAt(bounds, at)?.[name] ?? NaN, sum));
  return {
    service: serviceName(service),
    observedAt: rfc3339(now),
    times,
    series: {
      requestRate: column('requestRate', sum),
      responseTimeP95: column('responseTimeP95', highest),
      workflowDurationP95: column('workflowDurationP95', highest),
      cacheHitRatio: each(hitRatio, lowest),
      errorRate: each(({ errorRate, answerRate }, row) => (errorRate[row] ?? NaN) / (answerRate[row] ?? NaN), highest),
      cpuPercent: column('cpuPercent', highest),
      memoryMb: each(({ memoryBytes }, row) => (memoryBytes[row] ?? NaN) / 2 ** 20, highest),
      inFlight: column('inFlight', sum),
      queue: column('queue', sum),
      replicas: column('podsReady', sum),
      requestRatePods: told('requestRate'),
      inFlightPods: told('inFlight'),
      queuePods: told('queue'),
      floor: bound('floor'),
      max: bound('max'),
    },
    changes: changes.map(({ at, kind, component, text }) => ({ at, kind, component, text })),
  };
}

type Fold = (all: number, value: number) => number;
const sum: Fold = (all, value) => all + value;
const highest: Fold = (all, value) => Math.max(all, value);
const lowest: Fold = (all, value) => Math.min(all, value);

/** Over what is known of it. */
function folded<T>(parts: readonly T[], of: (part: T) => number, fold: Fold): number | null {
  let all: number | undefined;
  for (const part of parts) {
    const value = of(part);
    if (Number.isFinite(value)) all = all === undefined ? value : fold(all, value);
  }
  return known(all);
}

function hitRatio({ cacheHitRate, cacheMissRate }: Rows['figures'], row: number): number {
  const hits = cacheHitRate[row] ?? NaN;
  return hits / (hits + (cacheMissRate[row] ?? NaN));
}

/** For each time the newest row that is not later than half a step after it and not older than one and a half: components are measured at moments of their own. */
function rowsAt(times: Float64Array, wanted: readonly number[]): Int32Array {
  const stepMs = wanted.length < 2 ? 10_000 : ((wanted.at(-1) ?? 0) - (wanted[0] ?? 0)) / (wanted.length - 1);
  let row = -1;
  return Int32Array.from(wanted, (at) => {
    while ((times[row + 1] ?? Infinity) <= at + stepMs / 2) row++;
    const seenAt = times[row];
    return seenAt === undefined || at - seenAt > 1.5 * stepMs ? -1 : row;
  });
}

const boundAt = (bounds: readonly Bounds[], at: number): Bounds | undefined =>
  bounds.findLast((bound) => bound.at <= at);
