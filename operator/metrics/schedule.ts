import { DueTimes } from '../kube/due-times.ts';

/** Done at once when it is due; must not throw. */
export interface Tick {
  isCancelled: boolean;
  readonly kind: 'tick';
  run(): void;
}

/** Takes its time, in one of two lanes: those that lately hung (`isSuspect`) never take the places of those that answer. */
export interface Read {
  isCancelled: boolean;
  readonly kind: 'read';
  readonly isSuspect: boolean;
  /** The signal is aborted when it takes longer. */
  readonly timeoutMs: number;
  /** Must not reject. */
  run(signal: AbortSignal): Promise<void>;
}

/** Does things when they are due: one timer for all of them, time-outs included. */
export interface Schedule extends Disposable {
  /** A job that waits already keeps the earlier of both times. @param dueAt ms of performance.now(). */
  add(dueAt: number, job: Tick | Read): void;
}

interface Lane {
  readonly most: number;
  readonly waiting: Read[];
  readonly running: Set<Running>;
}

interface Running {
  readonly deadline: number;
  readonly abort: AbortController;
}

const createLane = (most: number): Lane => ({ most, waiting: [], running: new Set() });

/** Things due within this time are done together. */
const grainMs = 5;

/** @param options.concurrency Reads at the same time. @param options.suspects How many of them may be suspects. */
export function createSchedule({
  concurrency,
  suspects,
}: {
  readonly concurrency: number;
  readonly suspects: number;
}): Schedule {
  const due = new DueTimes<Tick | Read>();
  const [sound, suspect] = [createLane(concurrency - suspects), createLane(suspects)];
  const lanes = [sound, suspect];
  let timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  let isClosed = false;

  const arm = (): void => {
    const deadlines = lanes.flatMap(({ running }) => [...running].map(({ deadline }) => deadline));
    const at = Math.min(due.earliest(), ...deadlines);
    if (isClosed || at === Infinity || (timer !== undefined && timer.at <= at)) return;
    clearTimeout(timer?.handle);
    timer = { at, handle: setTimeout(wake, Math.max(grainMs, at - performance.now())) };
  };
  const wake = (): void => {
    timer = undefined;
    const now = performance.now();
    for (const job of due.takeDue(now)) {
      if (job.isCancelled) continue;
      if (job.kind === 'tick') job.run();
      else (job.isSuspect ? suspect : sound).waiting.push(job);
    }
    for (const each of lanes) {
      for (const { deadline, abort } of each.running) if (deadline <= now) abort.abort();
      fill(each);
    }
    arm();
  };
  const fill = (into: Lane): void => {
    while (into.running.size < into.most) {
      const job = isClosed ? undefined : into.waiting.shift();
      if (job === undefined) return;
      if (!job.isCancelled) void start(into, job);
    }
  };
  const start = async (into: Lane, job: Read): Promise<void> => {
    const running = { deadline: performance.now() + job.timeoutMs, abort: new AbortController() };
    into.running.add(running);
    await job.run(running.abort.signal);
    into.running.delete(running);
    fill(into);
    arm();
  };
  return {
    add(dueAt, job) {
      due.add(job, dueAt);
      arm();
    },
    [Symbol.dispose]() {
      isClosed = true;
      clearTimeout(timer?.handle);
      for (const { running } of lanes) for (const { abort } of running) abort.abort();
    },
  };
}

/**
 * The next moment that belongs to `key`: every key has its own place in the interval, so that they are spread over it and stay where they are.
 *
 * @param options.after Intervals to let pass; 1 is the next.
 * @param options.places How many there are in an interval, at equal distances: keys of one place are due together. Without it each millisecond is one.
 */
export function nextTurn(
  key: string,
  intervalMs: number,
  { now, after = 1, places = intervalMs }: { readonly now: number; readonly after?: number; readonly places?: number },
): number {
  const phase = (hash(key) % places) * (intervalMs / places);
  const into = (((now - phase) % intervalMs) + intervalMs) % intervalMs;
  return now - into + after * intervalMs;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
