import { Pool } from 'undici';

export interface TargetOptions {
  /** Base URLs, read anew at each refresh, so that Pods which come and go get their share. */
  readonly read: () => readonly string[];
  /** Throws for a URL that must not be loaded. */
  readonly guard: (url: string) => void;
  readonly timeoutMs: number;
  /** After this time a connection is replaced. Needed for a Service's address, where a kept connection stays with one Pod for ever. */
  readonly connectionLifetimeMs: number | undefined;
}

export interface Targets extends AsyncDisposable {
  refresh(): void;
  /** Each target in turn; undefined: there is none. */
  next(): Pool | undefined;
}

/** One connection pool a target. A pool makes a connection for each request in flight: none waits behind another on our side. */
export function openTargets({ read, guard, timeoutMs, connectionLifetimeMs }: TargetOptions): Targets {
  const pools = new Map<string, Pool>();
  const all = new Set<Pool>();
  let [order, turn]: [readonly Pool[], number] = [[], 0];

  function open(url: string): Pool {
    guard(url);
    const pool = new Pool(url, {
      connections: null,
      connectTimeout: Math.min(timeoutMs, 10_000),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      clientTtl: connectionLifetimeMs ?? null,
    });
    all.add(pool);
    return pool;
  }

  function close(pool: Pool): void {
    const forget = () => all.delete(pool);
    pool.close().then(forget, forget); // what it has in flight is still answered
  }

  return {
    refresh() {
      const urls = new Set(read());
      for (const [url, pool] of pools) {
        if (urls.has(url)) continue;
        pools.delete(url);
        close(pool);
      }
      for (const url of urls) if (!pools.has(url)) pools.set(url, open(url));
      order = [...pools.values()];
    },
    next: () => order[turn++ % order.length],
    async [Symbol.asyncDispose]() {
      await Promise.all([...all].map((pool) => pool.destroy()));
    },
  };
}
