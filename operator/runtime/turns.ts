/** So many tasks at once, the others in the order in which they came. */
export interface Turns {
  /** One that grows lets waiting tasks in at once; one that shrinks comes true as tasks end. */
  limit: number;
  readonly running: number;
  readonly queued: number;
  /**
   * A caller who gives up leaves the queue at once; a task that has begun keeps its place until it has really ended, so that the limit holds whatever tasks make of their signal.
   *
   * @throws What the task throws, or the signal's reason when it fires before the task begins.
   */
  run<T>(task: (signal?: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** One who waits, in a ring: anybody leaves it in the same few steps, also from its middle. */
class Place {
  readonly begin: () => void;
  before: Place = this;
  after: Place = this;

  constructor(begin: () => void) {
    this.begin = begin;
  }
}

export function createTurns(first: number): Turns {
  const head = new Place(() => undefined); // before the first, and behind the last
  let [limit, running, queued] = [first, 0, 0];
  let isLettingIn = false;
  const enter = (place: Place): void => {
    place.before = head.before;
    place.after = head;
    head.before.after = place;
    head.before = place;
    queued += 1;
  };
  const leave = ({ before, after }: Place): void => {
    before.after = after;
    after.before = before;
    queued -= 1;
  };
  const letIn = (): void => {
    if (isLettingIn) return; // a task that throws at once has given its place back here: the loop below goes on with it
    isLettingIn = true;
    while (running < limit && head.after !== head) {
      const place = head.after;
      leave(place);
      running += 1;
      place.begin();
    }
    isLettingIn = false;
  };
  const perform = async <T>(task: (signal?: AbortSignal) => Promise<T>, signal: AbortSignal | undefined) => {
    try {
      return await task(signal);
    } finally {
      running -= 1;
      letIn();
    }
  };
  const inTurn = <T>(task: (signal?: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const giveUp = (): void => {
        leave(place);
        reject(signal?.reason as Error);
      };
      const place = new Place(() => {
        signal?.removeEventListener('abort', giveUp);
        perform(task, signal).then(resolve, reject);
      });
      enter(place);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  return {
    get limit() {
      return limit;
    },
    set limit(next) {
      limit = next;
      letIn();
    },
    get running() {
      return running;
    },
    get queued() {
      return queued;
    },
    run(task, signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      if (running >= limit) return inTurn(task, signal);
      running += 1; // nobody waits: they would have been let in
      return perform(task, signal);
    },
  };
}
