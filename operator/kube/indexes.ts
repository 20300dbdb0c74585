import type { Key } from './object.ts';

export type IndexFunctions<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** Which objects have a value, for several kinds of values, kept up to date change by change: never built anew. */
export class Indexes<T> {
  readonly #functions: readonly (readonly [string, (object: T) => readonly string[]])[];
  /** By index, then by value. */
  readonly #keys = new Map<string, Map<string, Set<Key>>>();

  constructor(functions: IndexFunctions<T>) {
    this.#functions = Object.entries(functions);
    for (const [index] of this.#functions) this.#keys.set(index, new Map());
  }

  replace(key: Key, before: T | undefined, after: T | undefined): void {
    for (const [index, valuesOf] of this.#functions) {
      const old = before === undefined ? [] : valuesOf(before);
      const now = after === undefined ? [] : valuesOf(after);
      for (const value of old) if (!now.includes(value)) this.#remove(index, value, key);
      for (const value of now) if (!old.includes(value)) this.#add(index, value, key);
    }
  }

  /** @throws RangeError for an index that was not declared. */
  keys(index: string, value: string): Iterable<Key> {
    const values = this.#keys.get(index);
    if (values === undefined)
      throw new RangeError(
        `saw index ${index}; wanted one of ${[...this.#keys.keys()].join(', ') || 'none: none was declared'}`,
      );
    return values.get(value) ?? [];
  }

  #add(index: string, value: string, key: Key): void {
    const values = this.#keys.get(index);
    const keys = values?.get(value);
    if (keys === undefined) values?.set(value, new Set([key]));
    else keys.add(key);
  }

  #remove(index: string, value: string, key: Key): void {
    const values = this.#keys.get(index);
    const keys = values?.get(value);
    keys?.delete(key);
    if (keys?.size === 0) values?.delete(value); // values that come and go (Pod addresses) leave nothing behind
  }
}
