import {
  createPage,
  createPageShape,
  inSlots,
  isAmount,
  keepSeries,
  readPage,
  type Page,
  type PageShape,
  type PageSummary,
  type Series,
  type WantedFamily,
} from './exposition.ts';
import { spread, type Histogram } from './histogram.ts';
import { feedsOf, isHistogram, type Feed, type Figure, type HistogramName, type SignalMapping } from './signals.ts';

/** One look at one Pod. */
export interface Reading {
  /** ms since the epoch. */
  readonly observedAt: number;
  /** ms over which the increases were counted; undefined for the first look at a process, which has no increases. */
  readonly elapsedMs: number | undefined;
  /** Increases and values of the moment; what the Pod does not tell is absent, never 0. */
  readonly figures: Readonly<Partial<Record<Figure, number>>>;
  /** Observations since the look before. */
  readonly histograms: Readonly<Partial<Record<HistogramName, Histogram>>>;
  /** In words: what the Pod serves for it, and is no figure; absent: all that is there is one. Of `page`: lines that are none of the format. */
  readonly broken?: Broken;
  /** How often CPU and memory come anew where they are not of this look; absent: they are. */
  readonly usageEveryMs?: number;
}

/** How long CPU and memory stand for now while nobody tells them: as long as they come anew no sooner, and over one look that fails. In ms. */
export const usageStandsMs = ({ usageEveryMs = 0 }: Reading, intervalMs: number): number =>
  Math.max(usageEveryMs, 1.5 * intervalMs);

/** Words without the value itself: they do not change from look to look. */
export type Broken = Readonly<Partial<Record<Figure | HistogramName | 'page', string>>>;

/** How the pages of one component are read; shared by its Pods. */
export interface PageReader {
  readonly feeds: readonly Feed[];
  /** By feed: index of its family in `shape.wanted`. */
  readonly families: readonly number[];
  readonly shape: PageShape;
  /** By slot: what the series counts towards. */
  readonly uses: SlotUse[];
  /** What the series of all feeds are summed into. */
  readonly accumulators: Accumulator[];
  readonly accumulatorsByWhat: Map<string, number>;
  /** By feed: the finite bounds of its buckets that are read. */
  readonly bounds: Map<number, Set<number>>;
  /** Series or bounds were left out for want of room. */
  lacksRoom: boolean;
}

interface Accumulator {
  readonly feed: number;
  readonly part: Series['part'];
  /** Of a bucket, else NaN. */
  readonly bound: number;
}

interface SlotUse {
  readonly isCounter: boolean;
  /** Indices of accumulators. */
  readonly into: readonly number[];
}

/** What is kept of one Pod between two looks. */
export interface PodPages {
  readonly page: Page;
  /** By slot: newest value of a counter; NaN before it was ever seen, Infinity where that was no count: the next one tells no increase. */
  last: Float64Array;
  /** Monotonic ms of the look before. */
  readAt: number | undefined;
  /** process_start_time_seconds of the look before: another one means that every counter began anew. */
  startedAt: number | undefined;
  /** Samples of the newest page that are not in its reading, for want of room. */
  dropped: number;
}

const processStart: WantedFamily = { name: 'process_start_time_seconds', kind: 'gauge' };

export function createPageReader(mappings?: readonly SignalMapping[]): PageReader {
  const feeds = feedsOf(mappings);
  const wanted = [
    ...new Map([...feeds.map(({ family }) => family), processStart].map((family) => [family.name, family])).values(),
  ];
  const families = feeds.map(({ family }) => wanted.findIndex(({ name }) => name === family.name));
  const shape = createPageShape(wanted);
  const learned = { uses: [], accumulators: [], accumulatorsByWhat: new Map(), bounds: new Map() };
  return { feeds, families, shape, ...learned, lacksRoom: false };
}

export const createPodPages = ({ shape }: PageReader): PodPages => ({
  page: createPage(shape),
  last: new Float64Array(0),
  readAt: undefined,
  startedAt: undefined,
  dropped: 0,
});

/**
 * Reads one page of one Pod.
 *
 * @param at.wall ms since the epoch. @param at.monotonic ms of a clock that never jumps: what rates are divided by.
 */
export function takeReading(
  text: string,
  reader: PageReader,
  pod: PodPages,
  at: { readonly wall: number; readonly monotonic: number },
): Reading {
  const page = readPage(text, reader.shape, pod.page);
  pod.dropped = page.dropped;
  if (pod.dropped > 0) reader.lacksRoom = true;
  learn(reader);
  const broken = brokenByFeed(page, reader, pod.page);
  for (const slot of page.odd) if (!isAmount(pod.page.values[slot] ?? NaN)) pod.page.values[slot] = Infinity; // there, and no figure
  const elapsedMs = pod.readAt === undefined ? undefined : at.monotonic - pod.readAt;
  const totals = accumulate(reader, pod, elapsedMs === undefined);
  pod.readAt = pod.dropped === 0 ? at.monotonic : undefined; // what had no room and gets some later is not born since
  const isJunk = page.junk > 0 || page.isDamaged || text.includes('\0');
  return {
    observedAt: at.wall,
    elapsedMs,
    ...summed(reader, pod.page, totals, { isFirst: elapsedMs === undefined, broken, isJunk }),
  };
}

/** By feed: what is no figure among the samples that it sums up, of a series that stands there twice by its last value. */
function brokenByFeed(
  { odd, junkFamilies }: PageSummary,
  reader: PageReader,
  { values }: Page,
): ReadonlyMap<number, string> {
  const { shape, uses, accumulators, feeds, families } = reader;
  const broken = new Map<number, string>();
  for (const slot of odd) {
    const value = values[slot] ?? NaN;
    if (isAmount(value)) continue;
    const name =
      /^[^{ \t]*/.exec(shape.series[slot]?.key ?? '')?.[0] || shape.wanted[shape.series[slot]?.family ?? 0]?.name;
    const is = Number.isNaN(value) ? 'NaN' : value === Infinity ? 'infinite' : 'negative';
    for (const index of uses[slot]?.into ?? []) broken.set(accumulators[index]?.feed ?? -1, `${name} is ${is}`);
  }
  for (const [feed, { family }] of feeds.entries())
    if (junkFamilies.has(families[feed] ?? -1)) broken.set(feed, `${family.name} has a line that is no sample`);
  return broken;
}

/**
 * Where there was no room for series or bounds: lets go of those that none of `pods` has, which are all that there are.
 * Else what versions had that are gone would leave none for those that come.
 */
export function makeRoom(reader: PageReader, pods: Iterable<PodPages>): void {
  const { shape, uses, accumulators, accumulatorsByWhat, bounds } = reader;
  if (!reader.lacksRoom) return;
  const all = [...pods];
  const isServed = new Uint8Array(shape.series.length);
  for (const { last, page } of all)
    for (const values of [last, page.values])
      for (let slot = 0; slot < values.length; slot++) if (!Number.isNaN(values[slot] ?? NaN)) isServed[slot] = 1;
  const pages = all.map(({ page }) => page);
  const moved = keepSeries(shape, pages, (slot) => isServed[slot] === 1);
  for (const pod of all) pod.last = inSlots(pod.last, moved);
  uses.length = 0;
  accumulators.length = 0;
  accumulatorsByWhat.clear();
  bounds.clear();
  reader.lacksRoom = false;
  learn(reader);
}

/** Finds out what series seen for the first time count towards. */
function learn(reader: PageReader): void {
  const { shape, uses } = reader;
  if (uses.length === shape.series.length) return;
  const fresh = shape.series.slice(uses.length).map((series) => ({ series, towards: towards(series, reader) }));
  admitBounds(
    fresh.flatMap((one) => one.towards),
    reader,
  );
  for (const { series, towards: all } of fresh) {
    const into = all.filter((one) => isRead(one, reader)).map((one) => accumulatorOf(reader, one));
    if (into.length < all.length) reader.lacksRoom = true;
    uses.push({ isCounter: shape.wanted[series.family]?.kind !== 'gauge', into });
  }
}

function towards(series: Series, { feeds, families }: PageReader): readonly Accumulator[] {
  const bound = series.part === 'bucket' ? boundOf(series.labels.get('le')) : NaN;
  if (series.part === 'bucket' && Number.isNaN(bound)) return [];
  return feeds.flatMap(({ part, matches }, feed) => {
    if (families[feed] !== series.family || !matches(series.labels)) return [];
    return part === 'histogram' || part === series.part ? [{ feed, part: series.part, bound }] : [];
  });
}

/** Bounds of one histogram. An honest workload has a tenth of these; endless `le` values cost no more. */
const maxBounds = 512;

/** Buckets are cumulative, so one that is not read loses nothing but how finely it would tell. +Inf has all that was observed. */
function admitBounds(fresh: readonly Accumulator[], { bounds }: PageReader): void {
  const buckets = fresh.filter(({ bound }) => Number.isFinite(bound));
  for (const [feed, all] of Map.groupBy(buckets, (one) => one.feed)) {
    const known = bounds.get(feed) ?? new Set();
    const unknown = all.flatMap(({ bound }) => (known.has(bound) ? [] : [bound]));
    bounds.set(feed, known.union(new Set(spread(unknown, maxBounds - known.size))));
  }
}

const isRead = ({ feed, bound }: Accumulator, { bounds }: PageReader): boolean =>
  !Number.isFinite(bound) || bounds.get(feed)?.has(bound) === true;

const boundOf = (le: string | undefined): number =>
  le === '+Inf' ? Infinity : le === undefined || le === '' ? NaN : Number(le);

function accumulatorOf({ accumulators, accumulatorsByWhat }: PageReader, one: Accumulator): number {
  const what = `${one.feed} ${one.part} ${one.bound}`;
  const known = accumulatorsByWhat.get(what);
  if (known !== undefined) return known;
  accumulatorsByWhat.set(what, accumulators.length);
  return accumulators.push(one) - 1;
}

/** Sums of increases and gauges by accumulator; NaN where the page says nothing, Infinity where one of them is not known. Moves `pod` on to this page. */
function accumulate({ shape, uses, accumulators }: PageReader, pod: PodPages, isFirst: boolean): Float64Array {
  const { values } = pod.page;
  const startSlot = shape.slots.get(processStart.name);
  const startedAt = startSlot === undefined ? NaN : (values[startSlot] ?? NaN);
  if (Number.isFinite(startedAt)) {
    if (pod.startedAt !== undefined && pod.startedAt !== startedAt)
      pod.last = pod.last.map((value) => (Number.isNaN(value) ? NaN : 0)); // what it never had takes no room
    pod.startedAt = startedAt;
  }
  if (pod.last.length < values.length) {
    const last = new Float64Array(values.length).fill(NaN);
    last.set(pod.last);
    pod.last = last;
  }
  const totals = new Float64Array(accumulators.length).fill(NaN);
  for (let slot = 0; slot < values.length; slot++) {
    const value = values[slot] ?? NaN;
    const use = uses[slot];
    if (Number.isNaN(value) || use === undefined) continue;
    let amount = value;
    if (use.isCounter) {
      const before = pod.last[slot] ?? NaN;
      pod.last[slot] = value;
      if (isFirst) continue;
      // All that was counted while it was none is of more time than this look: it would be too high a rate.
      amount = before === Infinity ? Infinity : increase(before, value);
    }
    for (const index of use.into)
      totals[index] = Number.isNaN(totals[index] ?? NaN) ? amount : (totals[index] ?? 0) + amount;
  }
  return totals;
}

/** A counter that is lower than before began anew; one that was not on the pages before was born since. */
const increase = (before: number, now: number): number => (now >= before ? now - before : now);

function summed(
  { feeds, families, accumulators }: PageReader,
  page: Page,
  totals: Float64Array,
  {
    isFirst,
    broken,
    isJunk,
  }: { readonly isFirst: boolean; readonly broken: ReadonlyMap<number, string>; readonly isJunk: boolean },
): Pick<Reading, 'figures' | 'histograms' | 'broken'> {
  const figuresOf: Partial<Record<Figure, number>> = {};
  const histograms: Partial<Record<HistogramName, Histogram>> = {};
  const words: Partial<Record<Feed['into'] | 'page', string>> = isJunk ? { page: 'a line is no sample' } : {};
  const told = new Set<Feed['into']>();
  for (const [index, feed] of feeds.entries()) {
    const wrong = broken.get(index);
    if ((page.declared[families[index] ?? -1] !== 1 && wrong === undefined) || told.has(feed.into)) continue;
    told.add(feed.into);
    const isCounter = feed.family.kind !== 'gauge';
    if (wrong !== undefined) words[feed.into] = wrong;
    if (wrong !== undefined || (isCounter && isFirst) || isUnknown(accumulators, index, totals)) continue;
    if (isHistogram(feed.into)) {
      histograms[feed.into] = histogramFrom(accumulators, index, totals);
      continue;
    }
    const at = accumulators.findIndex((one) => one.feed === index);
    const total = at === -1 ? NaN : (totals[at] ?? NaN);
    // A counter that is declared and has no series that fits has counted nothing; a gauge without one is unknown.
    if (!Number.isNaN(total)) figuresOf[feed.into] = total;
    else if (isCounter) figuresOf[feed.into] = 0;
  }
  const isWhole = Object.keys(words).length === 0;
  return { figures: figuresOf, histograms, ...(isWhole ? {} : { broken: words }) };
}

const isUnknown = (accumulators: readonly Accumulator[], feed: number, totals: Float64Array): boolean =>
  accumulators.some((one, index) => one.feed === feed && totals[index] === Infinity);

/** The increases of cumulative buckets, made into counts per bucket. */
function histogramFrom(accumulators: readonly Accumulator[], feed: number, totals: Float64Array): Histogram {
  const own = accumulators.flatMap((one, index) =>
    one.feed === feed && !Number.isNaN(totals[index] ?? NaN) ? [{ ...one, total: totals[index] ?? 0 }] : [],
  );
  const buckets = own.filter(({ part }) => part === 'bucket').toSorted((a, b) => a.bound - b.bound);
  const of = (part: Series['part']): number => own.find((one) => one.part === part)?.total ?? 0;
  // A page is not written in one moment: a bucket may lag behind the one below it.
  const counts = Float64Array.from(buckets, ({ total }, index) =>
    Math.max(0, total - (buckets[index - 1]?.total ?? 0)),
  );
  return { bounds: buckets.map(({ bound }) => bound), counts, sum: of('sum'), count: of('count') };
}
