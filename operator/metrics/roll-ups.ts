import { objectiveNames } from '../api/status.ts';
import type { JudgedTime } from '../decide/attainment.ts';
import type { ObjectiveState } from '../decide/hysteresis.ts';
import type { ObjectiveName } from '../decide/objectives.ts';

/** Of each objective the state that it had. */
export type States = readonly { readonly name: ObjectiveName; readonly state: ObjectiveState }[];

/** As it is kept over a restart: buckets by objective from the oldest that counts to the newest, `23*3600 3400/200` being 23 hours met and one with 200 s not met. */
export interface SavedRollUps {
  /** s since the epoch: until when time was counted. */
  readonly countedUntil: number;
  readonly minutes: SavedBuckets;
  readonly hours: SavedBuckets;
}
type SavedBuckets = Readonly<Partial<Record<ObjectiveName, string>>>;

/** What was kept, as it is read again: undefined for what somebody has broken by hand. */
export function readRollUps(value: unknown): SavedRollUps | undefined {
  const { countedUntil, minutes, hours } = (value ?? {}) as Partial<Record<keyof SavedRollUps, unknown>>;
  return typeof countedUntil === 'number' && areBuckets(minutes) && areBuckets(hours)
    ? { countedUntil, minutes, hours }
    : undefined;
}

const areBuckets = (value: unknown): value is SavedBuckets =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');

/** Seconds met and not met of each objective, minute by minute for an hour and hour by hour for the longest window. */
export interface RollUps {
  /** ms since the epoch: until when time was counted. */
  readonly countedUntil: number | undefined;
  readonly bytes: number;
  /** Counts the time between two looks by what the second one saw; whole seconds, so that nothing is lost or counted twice. */
  count(states: States, from: number, to: number): void;
  /** At least the last `windowMs` before `now`, at most a bucket more. */
  over(objective: ObjectiveName, windowMs: number, now: number): JudgedTime;
  save(): SavedRollUps;
}

const hourSeconds = 3_600;
/** A window that ends in the middle of a bucket reaches into one more. */
const minutesKept = 61;
const kinds = 2;
const width = objectiveNames.length * kinds;

interface Buckets {
  readonly lengthSeconds: number;
  readonly capacity: number;
  /** Those of the bucket n (counted from the epoch) stand at `n % capacity`. */
  readonly seconds: Uint8Array | Uint16Array;
  newest: number;
}

/** @param longestMs The longest window that will be asked for. 12 bytes a minute and 24 an hour: 2.5 kB for three days, 18 kB for thirty. */
export function createRollUps(longestMs: number, saved?: SavedRollUps): RollUps {
  const hoursKept = Math.ceil(longestMs / 1_000 / hourSeconds) + 1;
  const minutes: Buckets = {
    lengthSeconds: 60,
    capacity: minutesKept,
    seconds: new Uint8Array(minutesKept * width),
    newest: 0,
  };
  const hours: Buckets = {
    lengthSeconds: hourSeconds,
    capacity: hoursKept,
    seconds: new Uint16Array(hoursKept * width),
    newest: 0,
  };
  let countedUntil = saved?.countedUntil ?? 0;
  if (saved !== undefined) {
    restore(minutes, saved.minutes, countedUntil);
    restore(hours, saved.hours, countedUntil);
  }
  return {
    get countedUntil() {
      return countedUntil === 0 ? undefined : countedUntil * 1_000;
    },
    bytes: minutes.seconds.byteLength + hours.seconds.byteLength,
    count(states, from, to) {
      const [first, end] = [Math.floor(from / 1_000), Math.floor(to / 1_000)];
      if (end <= first) return; // two looks within a second, or a clock that was set back
      for (const buckets of [minutes, hours]) {
        advance(buckets, Math.floor((end - 1) / buckets.lengthSeconds));
        for (const { name, state } of states)
          if (state === 'Met' || state === 'NotMet') add(buckets, columnOf(name, state), first, end);
      }
      countedUntil = end;
    },
    over: (objective, windowMs, now) =>
      sum(windowMs <= hourSeconds * 1_000 ? minutes : hours, objective, windowMs / 1_000, Math.floor(now / 1_000)),
    save: () => ({ countedUntil, minutes: write(minutes), hours: write(hours) }),
  };
}

const columnOf = (name: ObjectiveName, state: 'Met' | 'NotMet'): number =>
  objectiveNames.indexOf(name) * kinds + Number(state === 'NotMet');

/** Makes the bucket the newest; those in between, of which nothing is known, are empty. */
function advance(buckets: Buckets, bucket: number): void {
  const { capacity, seconds, newest } = buckets;
  for (let next = Math.max(newest, bucket - capacity) + 1; next <= bucket; next++)
    seconds.fill(0, (next % capacity) * width, ((next % capacity) + 1) * width);
  buckets.newest = Math.max(newest, bucket);
}

function add({ lengthSeconds, capacity, seconds, newest }: Buckets, column: number, from: number, to: number): void {
  const oldest = (newest - capacity + 1) * lengthSeconds;
  for (let at = Math.max(from, oldest); at < to;) {
    const bucket = Math.floor(at / lengthSeconds);
    const end = Math.min(to, (bucket + 1) * lengthSeconds);
    const index = (bucket % capacity) * width + column;
    seconds[index] = Math.min(lengthSeconds, (seconds[index] ?? 0) + end - at); // a clock set back counts no time twice
    at = end;
  }
}

function sum(buckets: Buckets, objective: ObjectiveName, windowSeconds: number, now: number): JudgedTime {
  const { lengthSeconds, capacity, newest, seconds } = buckets;
  const first = Math.floor((now - windowSeconds) / lengthSeconds);
  const column = columnOf(objective, 'Met');
  let [metSeconds, notMetSeconds] = [0, 0];
  for (let bucket = Math.max(first, newest - capacity + 1); bucket <= newest; bucket++) {
    const index = (bucket % capacity) * width + column;
    metSeconds += seconds[index] ?? 0;
    notMetSeconds += seconds[index + 1] ?? 0;
  }
  return { metSeconds, notMetSeconds, spanSeconds: now - first * lengthSeconds };
}

const secondsOf = ({ capacity, seconds }: Buckets, bucket: number, column: number): number =>
  seconds[(bucket % capacity) * width + column] ?? 0;

/** Each as its bucket at `countedUntil` and those before it; objectives and leading buckets without judged time are left out. */
function write(buckets: Buckets): SavedBuckets {
  const { newest, capacity } = buckets;
  const texts = objectiveNames.flatMap((name) => {
    const words: { readonly text: string; times: number }[] = [];
    for (let bucket = Math.max(0, newest - capacity + 1); bucket <= newest; bucket++) {
      const met = secondsOf(buckets, bucket, columnOf(name, 'Met'));
      const notMet = secondsOf(buckets, bucket, columnOf(name, 'NotMet'));
      if (words.length === 0 && met + notMet === 0) continue;
      const text = notMet === 0 ? String(met) : `${met}/${notMet}`;
      const last = words.at(-1);
      if (last?.text === text) last.times += 1;
      else words.push({ text, times: 1 });
    }
    const text = words.map((word) => (word.times === 1 ? word.text : `${word.times}*${word.text}`)).join(' ');
    return text === '' ? [] : [[name, text] as const];
  });
  return Object.fromEntries(texts);
}

/** What was broken by hand is as if it were not there. */
function restore(buckets: Buckets, saved: SavedBuckets, countedUntil: number): void {
  const { lengthSeconds, capacity, seconds } = buckets;
  const newest = Math.floor(Math.max(0, countedUntil - 1) / lengthSeconds);
  buckets.newest = newest;
  for (const name of objectiveNames) {
    let bucket = newest;
    for (const word of (saved[name] ?? '').split(' ').toReversed()) {
      const [, times = '1', met, notMet = '0'] = /^(?:(\d{1,4})\*)?(\d{1,4})(?:\/(\d{1,4}))?$/.exec(word) ?? [];
      if (met === undefined) break;
      for (let left = Number(times); left > 0 && bucket > Math.max(-1, newest - capacity); left--, bucket--) {
        const index = (bucket % capacity) * width;
        seconds[index + columnOf(name, 'Met')] = Math.min(lengthSeconds, Number(met));
        seconds[index + columnOf(name, 'NotMet')] = Math.min(lengthSeconds, Number(notMet));
      }
    }
  }
}
