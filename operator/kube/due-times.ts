interface Entry<Key> {
  readonly key: Key;
  at: number;
  place: number;
}

/** When each key is due, strings or the things themselves: a binary heap that knows where each key stands, so that moving and removing cost as little as adding. */
export class DueTimes<Key> {
  readonly #heap: Entry<Key>[] = [];
  readonly #entries = new Map<Key, Entry<Key>>();

  get size(): number {
    return this.#heap.length;
  }

  /** The earlier of `at` and the time that the key has already. */
  add(key: Key, at: number): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.at = Math.min(known.at, at);
      this.#rise(known);
      return;
    }
    const entry = { key, at, place: this.#heap.length };
    this.#heap.push(entry);
    this.#entries.set(key, entry);
    this.#rise(entry);
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry);
  }

  /** Infinity when nothing is due ever. */
  earliest(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Removes and returns what is due at `now`, the earliest first. */
  takeDue(now: number): readonly Key[] {
    const due: Key[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      due.push(first.key);
      this.#remove(first);
    }
    return due;
  }

  #remove(entry: Entry<Key>): void {
    this.#entries.delete(entry.key);
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: Entry<Key>): void {
    while (entry.place > 0) {
      const parent = this.#heap[(entry.place - 1) >> 1];
      if (parent === undefined || parent.at <= entry.at) return;
      this.#swap(parent, entry);
    }
  }

  #sink(entry: Entry<Key>): void {
    for (;;) {
      const left = this.#heap[2 * entry.place + 1];
      const right = this.#heap[2 * entry.place + 2];
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left;
      if (child === undefined || child.at >= entry.at) return;
      this.#swap(entry, child);
    }
  }

  #swap(upper: Entry<Key>, lower: Entry<Key>): void {
    const { place } = upper;
    this.#put(upper, lower.place);
    this.#put(lower, place);
  }

  #put(entry: Entry<Key>, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }
}
