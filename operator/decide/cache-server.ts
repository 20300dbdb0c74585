/** What a cache server says of itself. Totals are since its start, or since somebody reset its statistics. */
export interface CacheServerFigures {
  readonly hits: number;
  readonly misses: number;
  readonly evictedKeys: number;
  readonly expiredKeys: number;
  readonly rejectedConnections: number;
  readonly writesRefused: number;
  readonly evictionExceededMs: number;
  readonly commands: number;
  readonly commandsPerSecond: number;
  readonly clients: number;
  readonly keys: number;
  readonly keysWithoutExpiry: number;
  readonly usedMemoryBytes: number;
  readonly allocatedBytes: number;
  readonly residentBytes: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly evictionPolicy: string;
  readonly slowLog: SlowLog;
  readonly bigKeys: BigKeys;
}

/** Below this the program itself takes more of the memory than the data: a ratio of 25 is seen on a nearly empty server. */
const tellingBytes = 100 * 2 ** 20;

/** What a server takes of the machine for each byte that it has asked for; undefined where too little is in use for it to mean anything. */
export const fragmentationOf = ({
  allocatedBytes,
  residentBytes,
}: Pick<CacheServerFigures, 'allocatedBytes' | 'residentBytes'>): number | undefined =>
  allocatedBytes < tellingBytes ? undefined : residentBytes / allocatedBytes;

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

/** The keys of a cache server that take most memory, largest first; or why nobody knows. */
export type BigKeys =
  | {
      readonly state: 'Known';
      /** Names as a person may see them: cut, and nothing of what is in the key. */
      readonly keys: readonly { readonly name: string; readonly bytes: number }[];
      /** Of the largest key that was seen, also where it is too small for the list. */
      readonly largestBytes: number;
      /** Keys looked at, of the keys of all databases. */
      readonly scanned: number;
      readonly total: number;
      /** ms since the epoch. */
      readonly observedAt: number;
    }
  | { readonly state: 'Unknown'; readonly why: string };

/** How much of all keys was searched, 0 to 1: keys come and go meanwhile, and one may be seen twice. */
export const coverageOf = ({
  scanned,
  total,
}: Pick<Extract<BigKeys, { state: 'Known' }>, 'scanned' | 'total'>): number =>
  total === 0 ? 1 : Math.min(1, scanned / total);
