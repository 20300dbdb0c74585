import type { LiveSettings } from './settings.ts';
import { createTurns, type Turns } from './turns.ts';

/** One kind of work, of which only so much goes on at once: first come, first served. */
export interface ConcurrencyPool extends Pick<Turns, 'running' | 'queued' | 'run'> {
  readonly name: string;
  readonly limit: number;
}

export interface ConcurrencyPools extends Disposable {
  /** @throws {RangeError} that names the pools there are. */
  of(name: string): ConcurrencyPool;
  list(): readonly ConcurrencyPool[];
}

/** The pools of the settings. A limit that changes holds from the next task on; a pool that is not declared any more keeps its last limit. */
export function openPools(settings: LiveSettings): ConcurrencyPools {
  const pools = new Map<string, Turns & { readonly name: string }>();
  const take = (limits: Readonly<Record<string, number>>): void => {
    for (const [name, limit] of Object.entries(limits)) {
      const known = pools.get(name);
      if (known === undefined) pools.set(name, Object.assign(createTurns(limit), { name }));
      else known.limit = limit;
    }
  };
  take(settings.current.pools);
  const unsubscribe = settings.onChange(({ pools: limits }) => take(limits));
  return {
    of(name) {
      const pool = pools.get(name);
      if (pool !== undefined) return pool;
      throw new RangeError(`saw the pool ${name}; wanted one of ${[...pools.keys()].join(', ')}`);
    },
    list: () => [...pools.values()],
    [Symbol.dispose]: unsubscribe,
  };
}
