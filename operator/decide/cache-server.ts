/** What a cache server says of itself. Totals are since its start, or since somebody reset its statistics. */
export interface CacheServerFigures {
  readonly hits: number;
  readonly misses: number;
  readonly evictedKeys: number;
  readonly commands: number;
  readonly commandsPerSecond: number;
  readonly clients: number;
  readonly keys: number;
  readonly keysWithoutExpiry: number;
  readonly usedMemoryBytes: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly evictionPolicy: string;
  readonly slowLog: SlowLog;
}

/** What took long on a cache server, newest first, without any arguments; or why nobody knows. */
export type SlowLog =
  | {
      readonly state: 'Known';
      readonly commands: readonly {
        /** ms since the epoch. */
        readonly at: number;
        readonly durationMs: number;
        readonly command: string;
      }[];
    }
  | { readonly state: 'Unknown'; readonly why: string };
