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
}
