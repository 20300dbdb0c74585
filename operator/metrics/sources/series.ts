import { failed, words, type ReadFailure } from './source.ts';

/** One sample of an instant vector. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** NaN and infinities as the server says them. */
  readonly value: number;
}

/** By the label `pod`. */
export type SeriesByPod = ReadonlyMap<string, readonly Sample[]>;

/** What Prometheus answers to an instant query, by Pod. What is no such answer is a failure that says so; what is no sample is left out. */
export function seriesFrom(text: string, server: string): SeriesByPod | { readonly failure: ReadFailure } {
  const answer = parsed(text);
  const { status, error, errorType, data } = record(answer);
  if (status === 'error')
    return failed(
      'NotUnderstood',
      `${server} refused the query: ${words(errorType)}: ${words(error)}`,
      'correct metrics[].prometheus.queries, or the names in signals',
    );
  const { resultType, result } = record(data);
  if (status !== 'success' || !Array.isArray(result))
    return failed(
      'NotUnderstood',
      `${server} gave no answer of Prometheus’ query API`,
      'metrics[].prometheus.url is its root, without /api/v1',
    );
  if (resultType !== 'vector')
    return failed(
      'NotUnderstood',
      `${server} answered a query with a ${words(resultType)}, not a vector`,
      'a query gives one series for each Pod, with the label pod',
    );
  const byPod = new Map<string, Sample[]>();
  for (const entry of result as readonly unknown[]) {
    const { metric, value } = record(entry);
    const labels = record(metric);
    const { pod } = labels;
    const said: unknown = Array.isArray(value) ? value[1] : undefined;
    if (typeof pod !== 'string' || typeof said !== 'string') continue;
    const sample = { labels: labels as Sample['labels'], value: Number(said.replace('Inf', 'Infinity')) };
    const others = byPod.get(pod);
    if (others === undefined) byPod.set(pod, [sample]);
    else others.push(sample);
  }
  return byPod;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // said below to be no answer
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
