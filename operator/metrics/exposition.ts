import { parseSample } from './sample-value.ts';
import { endOfKey, isBlank, parseKey } from './series-key.ts';

/** A metric to be read off a page. `name` as its TYPE line has it: without `_total`, `_bucket`, `_sum` and `_count`. */
export interface WantedFamily {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
}

/** What a line stands for: the sample of a counter or gauge, or a part of a histogram. */
export type SamplePart = 'value' | 'bucket' | 'sum' | 'count';

/** One series of the pages of one component, taken apart once. */
export interface Series {
  /** Index into the wanted families. */
  readonly family: number;
  readonly part: SamplePart;
  readonly labels: ReadonlyMap<string, string>;
  /** The text before the value. */
  readonly key: string;
}

/** What is known of the pages of one component, shared by its Pods: every series with the slot of its value. Grows until {@link keepSeries} makes room. */
export interface PageShape {
  readonly wanted: readonly WantedFamily[];
  /** By slot. */
  readonly series: Series[];
  readonly slots: Map<string, number>;
  /** Every sample name of the wanted families, and the same by their first character. */
  readonly names: ReadonlyMap<string, SampleName>;
  readonly namesByFirst: ReadonlyMap<number, readonly SampleName[]>;
  readonly maxSeries: number;
  readonly maxSeriesOfPage: number;
}

interface SampleName {
  readonly name: string;
  readonly family: number;
  readonly part: SamplePart;
}

/** The last page of one Pod. */
export interface Page {
  /** By slot; NaN where the page has no such series, or says NaN: unknown either way. Shorter than the shape's `series` where another Pod has more. */
  values: Float64Array;
  /** By family: 1 where the page names it, be it in a TYPE line alone. A declared family without a series has counted nothing yet. */
  readonly declared: Uint8Array;
  /** Slots in the order of their lines: the next page most likely has the same. */
  order: Int32Array;
  /** Series that it was the first to have. */
  added: number;
  /** By family: samples of the newest page without a damaged name. */
  readonly whole: Uint32Array;
  /** A name was damaged there, or it was not looked at yet. */
  isDamaged: boolean;
}

export interface PageSummary {
  /** Wanted samples read. */
  readonly samples: number;
  /** Lines that begin like a wanted sample and are none. */
  readonly junk: number;
  /** Samples of series beyond the bounds of the shape. */
  readonly dropped: number;
  /** Slots of samples that are NaN, infinite or negative; {@link isAmount}. */
  readonly odd: readonly number[];
  /** Families of lines that begin like a wanted sample and are none, as far as their name tells, and of those that a damaged name may be one of. */
  readonly junkFamilies: ReadonlySet<number>;
  /** There is a damaged name. Looked for where a family lacks samples, and as long as there is one: it costs as much again as reading the page. */
  readonly isDamaged: boolean;
}

/** What everything that we read is: counted, or a size. */
export const isAmount = (value: number): boolean => value >= 0 && value < Infinity;

const codes = { hash: 35, brace: 123 } as const;
/** What stands where a slot would: why a line has none. */
const none = { unwanted: -1, junk: -2, dropped: -3 } as const;
const typeComment = '# TYPE ';
/** What follows the name there, in both formats: a page that is cut within it declares nothing. */
const typed = /^(?:_total)? +(?:counter|gauge|histogram|summary|untyped|unknown|info|stateset|gaugehistogram)[ \t\r]*$/;

/**
 * @param options.maxSeries The bound that a workload with endless label values meets: what is beyond it is counted as dropped.
 * @param options.maxSeriesOfPage How many of them one Pod may bring, so that one alone does not take the room of all others.
 */
export function createPageShape(
  wanted: readonly WantedFamily[],
  { maxSeries = 20_000, maxSeriesOfPage = 10_000 } = {},
): PageShape {
  const all = wanted.flatMap(({ name, kind }, family): readonly SampleName[] => {
    const parts = kind === 'histogram' ? (['bucket', 'sum', 'count'] as const) : [];
    const values = kind === 'histogram' ? [] : kind === 'counter' ? [name, `${name}_total`] : [name];
    return [
      ...values.map((value): SampleName => ({ name: value, family, part: 'value' })),
      ...parts.map((part): SampleName => ({ name: `${name}_${part}`, family, part })),
    ];
  });
  return {
    wanted,
    series: [],
    slots: new Map(),
    names: new Map(all.map((sample) => [sample.name, sample])),
    namesByFirst: Map.groupBy(all, ({ name }) => name.charCodeAt(0)),
    maxSeries,
    maxSeriesOfPage,
  };
}

export function createPage(shape: PageShape): Page {
  const declared = new Uint8Array(shape.wanted.length);
  const whole = new Uint32Array(shape.wanted.length);
  return { values: new Float64Array(0), declared, order: new Int32Array(0), added: 0, whole, isDamaged: true };
}

/**
 * Reads the wanted families of a page in the Prometheus text format (0.0.4 and 1.0.0 with quoted names) or OpenMetrics into `page`, whose former content is gone.
 * Never throws: a line that is no sample is counted and left out. Timestamps and exemplars are read over. Of a series that stands there twice the last value counts.
 *
 * A line is known by the text before its value, first compared with the line that followed on the page before: labels are taken apart only when a series is new.
 */
export function readPage(text: string, shape: PageShape, page: Page): PageSummary {
  const summary = { samples: 0, junk: 0, dropped: 0, odd: new Array<number>(), junkFamilies: new Set<number>() };
  const counted = new Uint32Array(shape.wanted.length); // samples by family
  page.values.fill(NaN);
  page.declared.fill(0);
  let line = 0; // of the wanted ones
  for (let start = 0, next = 0; start < text.length; start = next) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    next = end + 1;
    if (text.charCodeAt(start) === codes.hash) {
      declare(text, start, end, shape, page);
      continue;
    }
    const expected = line < page.order.length ? (page.order[line] ?? none.unwanted) : none.unwanted;
    const key = shape.series[expected]?.key;
    let slot: number = none.unwanted;
    let keyEnd = start;
    if (key !== undefined && isAt(text, key, start) && isValueAt(text, start + key.length)) {
      slot = expected;
      keyEnd = start + key.length;
    } else {
      const from = afterBlanks(text, start, end);
      if (!mayBeWanted(text, from, shape)) {
        if (!looksLikeSample(text, from, end)) summary.junk++;
        continue;
      }
      keyEnd = endOfKey(text, from, end);
      slot = keyEnd === -1 ? none.junk : slotOf(text.slice(from, keyEnd), shape, page);
    }
    const value = slot < 0 ? undefined : parseSample(text, keyEnd, end);
    if (value !== undefined) {
      const family = put(page, shape, line++, slot, value);
      counted[family] = (counted[family] ?? 0) + 1;
      summary.samples++;
      if (!isAmount(value)) summary.odd.push(slot);
    } else if (slot === none.dropped) summary.dropped++;
    else if (slot !== none.unwanted) {
      summary.junk++;
      const family = familyAt(text, afterBlanks(text, start, end), shape);
      if (family !== undefined) summary.junkFamilies.add(family);
    }
  }
  for (const family of lackingOf(text, page, counted)) summary.junkFamilies.add(family);
  return { ...summary, isDamaged: page.isDamaged };
}

/** Of a name with something in it that no name has, or with something behind it that is neither labels nor a value. */
const damagedName = /(?:^|\n)[ \t]*[a-zA-Z_:](?![a-zA-Z0-9_:]*(?:[ \t]*\{|[ \t]+[0-9.+\-niNI]))/;

/** Families of which a page with a damaged name has fewer samples than the newest without one, or declares and has none: it may be one of theirs. */
function lackingOf(text: string, page: Page, counted: Uint32Array): readonly number[] {
  const { whole, declared } = page;
  const isFewer = (samples: number, family: number): boolean => samples < (whole[family] ?? 0);
  if (page.isDamaged || counted.some(isFewer)) page.isDamaged = damagedName.test(text);
  if (!page.isDamaged) whole.set(counted);
  return page.isDamaged
    ? [...counted.keys()].filter((family) => {
        const samples = counted[family] ?? 0;
        return isFewer(samples, family) || (samples === 0 && declared[family] === 1);
      })
    : [];
}

/**
 * Lets go of all series but those that `isKept` names. `pages` are all that there are of the shape.
 *
 * @returns By the slot that a series had: the one it has now, below 0 where it is gone.
 */
export function keepSeries(shape: PageShape, pages: readonly Page[], isKept: (slot: number) => boolean): Int32Array {
  let next = 0;
  const moved = Int32Array.from(shape.series, (_, slot) => (isKept(slot) ? next++ : none.unwanted));
  const kept = shape.series.filter((_, slot) => (moved[slot] ?? none.unwanted) >= 0);
  shape.series.length = 0;
  shape.slots.clear();
  for (const series of kept) shape.slots.set(series.key, shape.series.push(series) - 1);
  for (const page of pages) {
    page.values = inSlots(page.values, moved);
    page.order = new Int32Array(0); // the next page finds its series by their keys
  }
  return moved;
}

/** Values by slot, in the slots that {@link keepSeries} gave. */
export function inSlots(values: Float64Array, moved: Int32Array): Float64Array {
  const to = new Float64Array(values.length).fill(NaN);
  for (const [from, slot] of moved.subarray(0, values.length).entries()) if (slot >= 0) to[slot] = values[from] ?? NaN;
  return to;
}

/** As startsWith, which V8 does character by character: a slice is made without copying and compared by words. */
const isAt = (text: string, wanted: string, at: number): boolean => text.slice(at, at + wanted.length) === wanted;

/** A blank and no `{` behind it: `name {` goes on as a key. */
const isValueAt = (text: string, at: number): boolean =>
  isBlank(text.charCodeAt(at)) && text.charCodeAt(at + 1) !== codes.brace;

function afterBlanks(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** A line that begins with `{` has its name in quotes inside: only taking it apart tells. */
const mayBeWanted = (text: string, from: number, shape: PageShape): boolean =>
  text.charCodeAt(from) === codes.brace || familyAt(text, from, shape) !== undefined;

/** The wanted family whose sample the line from here on is named after. */
function familyAt(text: string, from: number, { namesByFirst }: PageShape): number | undefined {
  const candidates = namesByFirst.get(text.charCodeAt(from));
  if (candidates === undefined) return undefined;
  for (const { name, family } of candidates) {
    const after = text.charCodeAt(from + name.length); // what differs most often
    if ((after === codes.brace || isBlank(after)) && isAt(text, name, from)) return family;
  }
  return undefined;
}

/** Whether a line that nobody wants could be a sample by its first and its last character: what is cheap to see. */
const looksLikeSample = (text: string, from: number, end: number): boolean =>
  from >= end ||
  text.charCodeAt(from) === codes.hash ||
  (begins[text.charCodeAt(from)] === 1 && ends[text.charCodeAt(end - 1)] === 1);

const tableOf = (pattern: RegExp): Uint8Array =>
  Uint8Array.from({ length: 128 }, (_, code) => Number(pattern.test(String.fromCharCode(code))));
/** Of a name; of an empty line, as Windows ends it. */
const begins = tableOf(/[a-zA-Z_:\r]/);
/** Of a number, of NaN, Inf and infinity, and what may follow. */
const ends = tableOf(/[0-9.nfyNFY \t\r]/);

function slotOf(key: string, shape: PageShape, page: Page): number {
  const known = shape.slots.get(key);
  if (known !== undefined) return known;
  const parsed = parseKey(key);
  if (parsed === undefined) return none.junk;
  const sample = shape.names.get(parsed.name);
  if (sample === undefined) return none.unwanted;
  if (shape.series.length >= shape.maxSeries || page.added >= shape.maxSeriesOfPage) return none.dropped;
  page.added++;
  const slot = shape.series.length;
  const own = Buffer.from(key).toString(); // a slice would keep the whole page alive
  shape.series.push({ family: sample.family, part: sample.part, labels: parsed.labels, key: own });
  shape.slots.set(own, slot);
  return slot;
}

/** @returns Its family. */
function put(page: Page, shape: PageShape, line: number, slot: number, value: number): number {
  if (slot >= page.values.length) page.values = grown(page.values, new Float64Array(sizeFor(slot, shape)).fill(NaN));
  if (line >= page.order.length)
    page.order = grown(page.order, new Int32Array(sizeFor(line, shape)).fill(none.unwanted));
  page.values[slot] = value;
  page.order[line] = slot;
  const family = shape.series[slot]?.family ?? 0;
  page.declared[family] = 1;
  return family;
}

const sizeFor = (index: number, { series }: PageShape): number => Math.max(16, series.length, index + (index >> 2) + 1);

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function declare(text: string, start: number, end: number, { namesByFirst, wanted }: PageShape, page: Page): void {
  if (!text.startsWith(typeComment, start)) return;
  const from = start + typeComment.length;
  for (const { family } of namesByFirst.get(text.charCodeAt(from)) ?? []) {
    const name = wanted[family]?.name ?? '';
    if (!text.startsWith(name, from)) continue;
    if (typed.test(text.slice(from + name.length, end))) page.declared[family] = 1;
  }
}
