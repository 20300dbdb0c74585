/** Nobody may start: too many wait already. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

export interface Slot extends Disposable {
  readonly waitedMs: number;
}

/** A fixed number of places; who finds none waits, first come first served. */
export class Slots {
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>(); // in insertion order, and anyone may leave in the middle
  #taken = 0;

  constructor(size: number, maxWaiting: number) {
    this.#size = size;
    this.#maxWaiting = maxWaiting;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a place; give it back by disposing of what is returned.
   *
   * @throws QueueFull, or the signal's reason when it fires first.
   */
  async acquire(signal: AbortSignal): Promise<Slot> {
    signal.throwIfAborted();
    const asked = performance.now();
    if (this.#taken < this.#size) this.#taken += 1;
    else if (this.#waiting.size >= this.#maxWaiting) throw new QueueFull(`${this.#maxWaiting} wait already`);
    else await this.#wait(signal);
    return { waitedMs: performance.now() - asked, [Symbol.dispose]: () => this.#release() };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => reject(signal.reason);
    this.#waiting.add(resolve);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener('abort', leave);
    }
  }

  /** The place goes straight to the next in line, so that nobody overtakes. */
  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
