/** One stretch of a load profile: within `seconds` the rate goes in a straight line to `rate` (requests per second). `seconds: 0` jumps there. */
export interface Stretch {
  readonly seconds: number;
  readonly rate: number;
}

/** Starts at rate 0: `[{seconds: 0, rate: 50}, {seconds: 60, rate: 50}]` is 50/s for a minute. */
export type Profile = readonly Stretch[];

export function constant(rate: number, seconds: number): Profile {
  return ramp(rate, rate, seconds);
}

export function ramp(from: number, to: number, seconds: number): Profile {
  return [
    { seconds: 0, rate: from },
    { seconds, rate: to },
  ];
}

/** Each rate for its time, one after the other. */
export function steps(all: readonly Stretch[]): Profile {
  return all.flatMap(({ seconds, rate }) => constant(rate, seconds));
}

export function durationSeconds(profile: Profile): number {
  return profile.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** How many requests the profile asks for: the area under it. */
export function totalRequests(profile: Profile): number {
  return segments(profile).reduce((sum, { seconds, from, to }) => sum + (seconds * (from + to)) / 2, 0);
}

/** The rate asked for at a moment; 0 after the end. */
export function rateAt(profile: Profile, second: number): number {
  const here = segments(profile).find(({ start, seconds }) => second >= start && second < start + seconds);
  return here === undefined ? 0 : here.from + ((here.to - here.from) * (second - here.start)) / here.seconds;
}

export interface Segment {
  /** Seconds from the start of the load. */
  readonly start: number;
  readonly seconds: number;
  readonly from: number;
  readonly to: number;
}

/** The profile's parts that take time. */
export function segments(profile: Profile): readonly Segment[] {
  let [start, from] = [0, 0];
  const all: Segment[] = [];
  for (const { seconds, rate } of profile) {
    if (seconds > 0) all.push({ start, seconds, from, to: rate });
    start += seconds;
    from = rate;
  }
  return all;
}

/**
 * Reads a profile as people write it: `50@0,50@60,200@30` is 50/s for 60 s, then up to 200/s within 30 s.
 *
 * @throws RangeError that names the part it cannot read.
 */
export function parseProfile(text: string): Profile {
  return text.split(',').map((part) => {
    const [, rate, seconds] = /^(\d+(?:\.\d+)?)@(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? [];
    if (rate !== undefined && seconds !== undefined) return { rate: Number(rate), seconds: Number(seconds) };
    throw new RangeError(`"${part}" is no part of a profile; wanted RATE@SECONDS, for example 50@0,50@60,200@30`);
  });
}
