/** Answers that are kept for a moment. Who asks while one is under way waits for that one. */
export interface Remembered<Value> {
  /** What fails is not kept. */
  of(key: string, ask: () => Promise<Value>): Promise<Value>;
}

/** @param options.most Answers kept; the oldest goes first. */
export function createRemembered<Value>({
  keptMs,
  most,
}: {
  readonly keptMs: number;
  readonly most: number;
}): Remembered<Value> {
  const known = new Map<string, { readonly value: Promise<Value>; until: number }>();
  return {
    of(key, ask) {
      const found = known.get(key);
      if (found !== undefined && performance.now() < found.until) return found.value;
      const entry = { value: ask(), until: Infinity };
      known.delete(key); // so that it stands last
      known.set(key, entry);
      const [oldest] = known.keys();
      if (known.size > most && oldest !== undefined) known.delete(oldest);
      entry.value.then(
        () => (entry.until = performance.now() + keptMs),
        () => known.get(key) === entry && known.delete(key),
      );
      return entry.value;
    },
  };
}
