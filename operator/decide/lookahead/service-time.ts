import type { LookaheadMemory, LookaheadSettings, Sample, ServiceTimes } from './memory.ts';

/** Half-lives of what is known of service times: a deployment that changes them shows in the quick one. */
const slowSeconds = 2400;
const quickSeconds = 150;
/** Fewer say nothing. */
const leastFinished = 50;
/** When the quick one is that much off the slow one, it is believed. */
const jump = 0.5;

/** Mean time that a slot is busy with a request: of Little's law over slots in use, so that waiting does not count. */
export function serviceSecondsOf({ slow, quick }: LookaheadMemory, settings: LookaheadSettings): number {
  if (slow.finished < leastFinished || slow.busySeconds <= 0) return settings.expectedServiceSeconds;
  const mean = slow.busySeconds / slow.finished;
  if (quick.finished < leastFinished || quick.busySeconds <= 0) return mean;
  const lately = quick.busySeconds / quick.finished;
  return Math.abs(lately - mean) > jump * mean ? lately : mean;
}

/** Takes in one window. */
export function noteServiceTimes(
  { slow, quick }: LookaheadMemory,
  sample: Pick<Sample, 'busySeconds' | 'finished'>,
  periodSeconds: number,
): void {
  note(slow, sample, 2 ** (-periodSeconds / slowSeconds));
  note(quick, sample, 2 ** (-periodSeconds / quickSeconds));
}

function note(
  times: ServiceTimes,
  { busySeconds, finished }: Pick<Sample, 'busySeconds' | 'finished'>,
  keep: number,
): void {
  times.busySeconds = times.busySeconds * keep + busySeconds;
  times.finished = times.finished * keep + finished;
}
