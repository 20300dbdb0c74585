import { createRandom, exponential } from '../random.ts';
import { segments, type Profile, type Segment } from './profile.ts';

/** `Poisson`: independent users. `Uniform`: as even as the rate allows. */
export type ArrivalKind = 'Poisson' | 'Uniform';

/**
 * When each request is due, in ms from the start, in order.
 *
 * Works on the number of requests expected up to a moment (the area under the profile): even steps of it give uniform arrivals,
 * exponential ones the Poisson process of just this changing rate. No step of time is involved, so no rate is too high or too low.
 */
export function* arrivals(profile: Profile, kind: ArrivalKind, seed: number): Generator<number> {
  const random = createRandom(seed);
  const gap = kind === 'Poisson' ? () => exponential(random) : () => 1;
  let due = kind === 'Poisson' ? gap() : 0.5; // uniform: each in the middle of its own step
  let before = 0;
  for (const segment of segments(profile)) {
    const expected = (segment.seconds * (segment.from + segment.to)) / 2;
    while (due < before + expected) {
      yield (segment.start + secondsUntil(segment, due - before)) * 1000;
      due += gap();
    }
    before += expected;
  }
}

/** The moment in a segment by which `area` requests are expected: the root of from·x + slope·x²/2 = area, in the form that stays exact when either term vanishes. */
function secondsUntil({ seconds, from, to }: Segment, area: number): number {
  const slope = (to - from) / seconds;
  const root = Math.sqrt(Math.max(from * from + 2 * slope * area, 0));
  return area === 0 ? 0 : Math.min((2 * area) / (from + root), seconds);
}
