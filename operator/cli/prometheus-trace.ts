import { mostArrivals, tooMany, type Trace } from '../simulate/trace.ts';

export interface TraceQuery {
  /** `http://prometheus.monitoring:9090`. */
  readonly url: string;
  /** PromQL of one series: requests a second. */
  readonly query: string;
  readonly stepSeconds: number;
  readonly lengthSeconds: number;
  /** Seconds since the epoch: the end of the last step. */
  readonly until: number;
}

/** Prometheus gives 11 000 points of a series at most. */
const pointsAtOnce = 10_000;

/** A trace, and how many of its steps the server knows nothing of: those are taken to be as the one before. */
export interface QueriedTrace {
  readonly trace: Trace;
  readonly missing: number;
}

/**
 * Recorded load as a Prometheus has it, by range queries.
 *
 * @throws {RangeError} where the server refuses, or has anything but one series.
 */
export async function queryTrace(query: TraceQuery, signal: AbortSignal): Promise<QueriedTrace> {
  const { stepSeconds, lengthSeconds, until } = query;
  const steps = Math.floor(lengthSeconds / stepSeconds);
  const rates = new Float64Array(steps).fill(NaN);
  const first = until - (steps - 1) * stepSeconds;
  for (let from = 0; from < steps; from += pointsAtOnce) {
    const to = Math.min(steps, from + pointsAtOnce) - 1;
    const points = await pointsOf(query, first + from * stepSeconds, first + to * stepSeconds, signal);
    for (const [at, rate] of points) rates[Math.round((at - first) / stepSeconds)] = Number(rate);
  }
  return filled(rates, stepSeconds);
}

type Point = readonly [at: number, rate: string];

interface Answer {
  readonly status?: string;
  readonly error?: string;
  readonly data?: { readonly result?: readonly { readonly values?: readonly Point[] }[] };
}

async function pointsOf(
  { url, query, stepSeconds }: TraceQuery,
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<readonly Point[]> {
  if (!/^https?:/i.test(url) || !URL.canParse(url))
    throw new RangeError(`saw --prometheus ${url}; wanted its URL, for example http://127.0.0.1:9090`);
  const asked = new URL(`${url.replace(/\/$/, '')}/api/v1/query_range`);
  for (const [name, value] of Object.entries({ query, start, end, step: stepSeconds }))
    asked.searchParams.set(name, String(value));
  const response = await fetch(asked, { signal }).catch((error: Error) => {
    signal.throwIfAborted();
    throw new RangeError(`cannot reach ${url}: ${causeOf(error)}`, { cause: error });
  });
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (!response.ok) throw new RangeError(`${url} answered ${response.status}: ${answer.error ?? 'no reason'}`);
  const result = answer.data?.result ?? [];
  if (result.length > 1)
    throw new RangeError(`saw ${result.length} series of ${query}; wanted one, for example sum(${query})`);
  return result[0]?.values ?? [];
}

/** A port that fetch keeps away from (1, 22, 6000, …) is only called bad there. */
const badPort =
  'bad port: Node’s fetch refuses this port, as browsers do; wanted Prometheus on another one, for example kubectl port-forward -n monitoring svc/prometheus 9090, and --prometheus http://127.0.0.1:9090';

function causeOf({ message, cause }: Error): string {
  const said = Error.isError(cause) ? cause.message : message;
  return said === 'bad port' ? badPort : said;
}

/** @throws {RangeError} where nothing is known, or more than any service has. */
function filled(rates: Float64Array, stepSeconds: number): QueriedTrace {
  const known = rates.findIndex((rate) => rate >= 0 && rate < Infinity);
  if (known === -1) throw new RangeError('saw no point of the query in that time; wanted requests a second');
  let [last, missing, carried] = [rates[known] ?? 0, 0, 0];
  const counts = rates.map((rate) => {
    if (rate >= 0 && rate < Infinity) last = rate;
    else missing++;
    if (last * stepSeconds > mostArrivals) throw new RangeError(tooMany(last * stepSeconds));
    carried += last * stepSeconds;
    const whole = Math.round(carried); // parts of a request are carried on, not lost
    carried -= whole;
    return whole;
  });
  return { trace: { stepSeconds, counts }, missing };
}
