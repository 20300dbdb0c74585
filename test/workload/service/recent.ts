/** What ended within the last while: the ground of the JSON views. Bounded; the newest push out the oldest. */
export class Recent {
  readonly #entries: { readonly atMs: number; readonly seconds: number; readonly failed: boolean }[] = [];
  readonly #capacity: number;
  readonly #windowMs: number;
  #next = 0;

  constructor(capacity: number, windowMs: number) {
    this.#capacity = capacity;
    this.#windowMs = windowMs;
  }

  add(nowMs: number, seconds: number, failed: boolean): void {
    this.#entries[this.#next] = { atMs: nowMs, seconds, failed };
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** null: nothing ended in the window, so there is nothing to say. `ratePerSecond` is over the window, or as far back as the entries go. */
  summary(nowMs: number): { ratePerSecond: number; p95Seconds: number | null; successRatio: number | null } {
    const inWindow = this.#entries.filter(({ atMs }) => atMs > nowMs - this.#windowMs);
    if (inWindow.length === 0) return { ratePerSecond: 0, p95Seconds: null, successRatio: null };
    const isFull = inWindow.length === this.#capacity;
    const spanMs = isFull ? nowMs - Math.min(...inWindow.map(({ atMs }) => atMs)) : this.#windowMs;
    const sorted = inWindow.map(({ seconds }) => seconds).toSorted((a, b) => a - b);
    return {
      ratePerSecond: (inWindow.length * 1000) / Math.max(spanMs, 1),
      p95Seconds: sorted[Math.ceil(sorted.length * 0.95) - 1] ?? null,
      successRatio: 1 - inWindow.filter(({ failed }) => failed).length / inWindow.length,
    };
  }
}

/** CPU use in percent of one core, over about a window however many readers there are. */
export class CpuMeter {
  readonly #windowMs: number;
  #samples: { readonly atMs: number; readonly cpuMs: number }[];

  constructor(windowMs: number, nowMs: number) {
    this.#windowMs = windowMs;
    this.#samples = [sample(nowMs)];
  }

  percent(nowMs: number): number {
    const newest = sample(nowMs);
    const reaching = this.#samples.filter(({ atMs }) => atMs > nowMs - this.#windowMs);
    const base = reaching[0] ?? this.#samples.at(-1) ?? newest;
    const last = this.#samples.at(-1);
    // A sample a second is enough, and bounds their number.
    if (last === undefined || nowMs - last.atMs >= 1000) this.#samples = [...(reaching[0] ? reaching : [base]), newest];
    return nowMs === base.atMs ? 0 : (100 * (newest.cpuMs - base.cpuMs)) / (nowMs - base.atMs);
  }
}

function sample(atMs: number): { atMs: number; cpuMs: number } {
  const { user, system } = process.cpuUsage();
  return { atMs, cpuMs: (user + system) / 1000 };
}
