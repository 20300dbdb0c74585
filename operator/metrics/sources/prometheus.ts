import type { SignalName } from '../../api/contract.ts';
import { spread, type Histogram } from '../histogram.ts';
import type { PodView } from '../pod-view.ts';
import type { Reading } from '../reading.ts';
import { feedsOf, isHistogram, type Feed, type Figure, type HistogramName, type SignalMapping } from '../signals.ts';
import { exampleQuery, isTime, partLabel, queryFor, rateWindowMs } from './promql.ts';
import type { PrometheusServer, PrometheusServers, QueryAnswer } from './prometheus-server.ts';
import type { Sample } from './series.ts';
import { failed, type ReadFailure, type ReadResult, type Source } from './source.ts';

export interface PrometheusSourceOptions {
  readonly servers: PrometheusServers;
  readonly server: PrometheusServer;
  readonly namespace: string;
  readonly signals?: readonly SignalMapping[] | undefined;
  /** PromQL by signal, instead of the query that is made of names. */
  readonly queries?: Readonly<Partial<Record<SignalName, string>>> | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** What is asked: one query of names, for the Pods of all namespaces that ask for the same, and one for each signal that has its own. */
interface Questions {
  readonly feeds: readonly Feed[];
  readonly byName: (namespaces: readonly string[]) => string;
  readonly own: ReadonlyMap<SignalName, string>;
}

/** By signal; undefined: that to the query of names. */
type Answers = ReadonlyMap<Feed['signal'] | undefined, QueryAnswer>;

/** What a Prometheus server says of the Pods that it scrapes. Rates are of the last minute; a reading takes them for the time since the one before. */
export function prometheusSource(options: PrometheusSourceOptions): Source {
  const { server, namespace, signals = [], queries = {} } = options;
  let made: Questions | undefined;
  const taken = new Map<string, Answers>();
  const told: Told = new Map();
  return {
    type: 'Prometheus',
    id: JSON.stringify(['Prometheus', server, namespace, signals, Object.entries(queries)]),
    forget(uid) {
      taken.delete(uid);
      for (const uids of told.values()) uids.delete(uid);
    },
    async read(pod): Promise<ReadResult> {
      const questions = (made ??= questionsOf(options));
      const before = taken.get(pod.uid);
      const answers = await answersTo(questions, before, options);
      taken.set(pod.uid, answers);
      for (const answer of answers.values()) if (answer.result === 'failed') return answer;
      const samples = samplesOf(pod, questions, answers);
      const there = thereOf(questions, samples, { uid: pod.uid, told });
      const wrong = withoutBuckets(questions, samples);
      if (wrong !== undefined) return wrong;
      if (samples.every((parts) => parts.length === 0)) return noSeries(pod);
      const elapsedMs = isWarm(pod) ? elapsed(before, answers) : undefined;
      return {
        result: 'read',
        reading: { observedAt: Date.now(), elapsedMs, ...summed(questions, samples, { there, elapsedMs }) },
      };
    },
  };
}

function questionsOf({ signals, queries = {} }: PrometheusSourceOptions): Questions {
  const feeds = feedsOf(signals);
  return {
    feeds,
    byName: (namespaces) =>
      queryFor(feeds, namespaces, ({ signal }) => signal === undefined || queries[signal] === undefined),
    own: new Map(Object.entries(queries) as [SignalName, string][]),
  };
}

async function answersTo(
  questions: Questions,
  before: Answers | undefined,
  options: PrometheusSourceOptions,
): Promise<Answers> {
  const { servers, server, intervalMs, timeoutMs } = options;
  const ask = (signal: Feed['signal'] | undefined, query: string): Promise<QueryAnswer> =>
    servers.query(server, query, { maxAgeMs: intervalMs, timeoutMs, taken: before?.get(signal) });
  const own = [...questions.own].map(async ([signal, query]) => [signal, await ask(signal, query)] as const);
  const together = async () => [undefined, await askTogether(questions, ask, options)] as const;
  const named = questions.byName([]) === '' ? [] : [together()];
  return new Map<Feed['signal'] | undefined, QueryAnswer>(await Promise.all([...named, ...own]));
}

/** An answer that is too large, that the server refuses or that takes too long may be so for another namespace's Pods: it is asked for in halves then. */
async function askTogether(
  { byName }: Questions,
  ask: (signal: undefined, query: string) => Promise<QueryAnswer>,
  { servers: { joins }, server, namespace, intervalMs }: PrometheusSourceOptions,
): Promise<QueryAnswer> {
  const question = JSON.stringify([server, byName([])]);
  for (;;) {
    const namespaces = joins.of(question, namespace, intervalMs);
    const answer = await ask(undefined, byName(namespaces));
    const reason = answer.result === 'failed' ? answer.failure.reason : undefined;
    if (reason === undefined || !halving.has(reason) || !joins.halve(question, namespaces.length)) return answer;
    if (reason === 'TimedOut') return answer; // the time of this look is spent
  }
}

const halving: ReadonlySet<ReadFailure['reason']> = new Set(['TooLarge', 'NotUnderstood', 'TimedOut']);

/** By feed: its samples of this Pod. Series that name another namespace are another Pod's. */
function samplesOf(
  { name, namespace }: PodView,
  { feeds, own }: Questions,
  answers: Answers,
): readonly (readonly Sample[])[] {
  const ofPod = (asked: Feed['signal'] | undefined): readonly Sample[] => {
    const answer = answers.get(asked);
    const all = answer?.result === 'answered' ? (answer.series.get(name) ?? []) : [];
    return all.filter(({ labels }) => labels['namespace'] === undefined || labels['namespace'] === namespace);
  };
  const named = ofPod(undefined);
  return feeds.map(({ signal, into }, index) => {
    if (signal === undefined || !own.has(signal))
      return named.filter(({ labels }) => labels[partLabel]?.startsWith(`${index}/`));
    const all = ofPod(signal);
    return signal === 'cacheRequests' ? all.filter(({ labels }) => lookUp(labels) === into) : all;
  });
}

/** Of a person's own query for cacheRequests, with the labels of the contract. */
function lookUp({ result, level = '' }: Sample['labels']): Figure | undefined {
  const suffix = level.toLowerCase() === 'l2' ? 'L2' : 'L1';
  if (result === 'hit') return `cacheHits${suffix}`;
  return result === 'miss' ? `cacheMisses${suffix}` : undefined;
}

/** By a person's own query: the Pods that it has given something of. */
type Told = Map<SignalName, Set<string>>;

/** What a feed is there by: the query of its own, else its family. */
const givenBy = ({ own }: Questions, { signal, family }: Feed): string =>
  signal !== undefined && own.has(signal) ? queryOf(signal) : family.name;
const queryOf = (signal: SignalName): string => `the query of ${signal}`; // no family is called that

/**
 * Families and own queries that have something of this Pod. A counter may come with the first request: of a Pod that has never had one, a query that
 * has told of others says that nothing was counted. One that has told of no Pod, or of this one before, says nothing: unknown is not 0.
 */
function thereOf(
  questions: Questions,
  samples: readonly (readonly Sample[])[],
  { uid, told }: { readonly uid: string; readonly told: Told },
): ReadonlySet<string> {
  const there = new Set(
    questions.feeds.flatMap((feed, index) => ((samples[index]?.length ?? 0) > 0 ? [givenBy(questions, feed)] : [])),
  );
  for (const signal of questions.own.keys()) {
    const uids = told.get(signal);
    if (there.has(queryOf(signal))) told.set(signal, (uids ?? new Set()).add(uid));
    else if (uids?.has(uid) === false && signal !== 'cpu') there.add(queryOf(signal)); // each process has that from its start
  }
  return there;
}

function withoutBuckets({ own, feeds }: Questions, samples: readonly (readonly Sample[])[]): ReadResult | undefined {
  for (const signal of own.keys()) {
    const seen = samples[feeds.findIndex((feed) => feed.signal === signal)] ?? [];
    if (
      signal !== undefined &&
      isTime(signal) &&
      seen.length > 0 &&
      seen.every(({ labels }) => labels['le'] === undefined)
    )
      return failed(
        'NotUnderstood',
        `the query of ${signal} gives no buckets (label le)`,
        `write it like ${exampleQuery(signal)}`,
      );
  }
  return undefined;
}

const noSeries = ({ name }: PodView): ReadResult =>
  failed(
    'NoFigures',
    `Prometheus has no series of Pod ${name}`,
    'scrape the Pods so that their series have the labels namespace and pod, or say in metrics[].prometheus.queries how to find them',
  );

/** Of a Pod that is younger than its window, `rate` divides by time in which nothing was counted: too low, which would look like little load. */
const isWarm = ({ readySince = 0 }: PodView): boolean => Date.now() - readySince >= rateWindowMs;

/** ms since the answers before; undefined for the first, and where it is no later one: that to another question may have been there first. */
function elapsed(before: Answers | undefined, answers: Answers): number | undefined {
  const [signal] = answers.keys();
  const [last, now] = [before?.get(signal), answers.get(signal)];
  if (last?.result !== 'answered' || now?.result !== 'answered') return undefined;
  const ms = now.monotonic - last.monotonic;
  return ms > 0 ? ms : undefined;
}

/** Rates over the time since the look before, and values of the moment. As of a page: the first feed of a figure that is there counts, and a family that is there without the series of a counter has counted nothing. */
function summed(
  questions: Questions,
  samples: readonly (readonly Sample[])[],
  { there, elapsedMs }: { readonly there: ReadonlySet<string>; readonly elapsedMs: number | undefined },
): Pick<Reading, 'figures' | 'histograms' | 'broken'> {
  const figures: Partial<Record<Figure, number>> = {};
  const histograms: Partial<Record<HistogramName, Histogram>> = {};
  const broken: Partial<Record<Feed['into'], string>> = {};
  const told = new Set<Feed['into']>();
  for (const [index, feed] of questions.feeds.entries()) {
    const { into, family } = feed;
    const [by, isRate] = [givenBy(questions, feed), family.kind !== 'gauge'];
    if (told.has(into)) continue;
    if (!there.has(by)) {
      if (by !== family.name && !(isRate && elapsedMs === undefined)) broken[into] = `${by} gives nothing`;
      continue;
    }
    told.add(into);
    const seen = samples[index] ?? [];
    const is = wrongIn(seen, isRate);
    if (is !== undefined) broken[into] = `${family.name} is ${is}`;
    if (is !== undefined || (isRate && elapsedMs === undefined)) continue;
    const seconds = isRate ? (elapsedMs ?? 0) / 1_000 : 1;
    if (isHistogram(into)) histograms[into] = histogramFrom(seen, seconds);
    else if (isRate || seen.length > 0)
      figures[into] = seconds * seen.reduce((sum, { value }) => sum + (isRate ? Math.max(0, value) : value), 0);
  }
  return { figures, histograms, ...(Object.keys(broken).length === 0 ? {} : { broken }) };
}

/** What makes a sum of these no figure. A rate below 0 is one of a person's own query that is a little off: it counts as none. */
function wrongIn(samples: readonly Sample[], isRate: boolean): string | undefined {
  if (samples.some(({ value }) => Number.isNaN(value))) return 'NaN';
  if (samples.some(({ value }) => Math.abs(value) === Infinity)) return 'infinite';
  return !isRate && samples.some(({ value }) => value < 0) ? 'negative' : undefined;
}

/** More bounds than these are not an honest workload's. */
const maxBounds = 512;

function histogramFrom(samples: readonly Sample[], seconds: number): Histogram {
  const cumulative = new Map<number, number>();
  for (const { labels, value } of samples) {
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le'] ?? NaN);
    if (!Number.isNaN(bound)) cumulative.set(bound, (cumulative.get(bound) ?? 0) + value);
  }
  const buckets = spread(cumulative.keys(), maxBounds).map((bound) => [bound, cumulative.get(bound) ?? 0] as const);
  const of = (part: string): number | undefined =>
    samples.find(({ labels }) => labels[partLabel]?.endsWith(`/${part}`))?.value;
  const count = of('count') ?? buckets.at(-1)?.[1] ?? 0;
  return {
    bounds: buckets.map(([bound]) => bound),
    counts: Float64Array.from(buckets, ([, value], at) => seconds * Math.max(0, value - (buckets[at - 1]?.[1] ?? 0))),
    sum: seconds * (of('sum') ?? 0),
    count: seconds * count,
  };
}
