import type { UnusedIndex } from '../../../decide/idle-indexes.ts';
import type { IndexesMemory } from './changes.ts';
import type { IndexesSeen } from './standby-scans.ts';
import type { IndexesUnit } from './unit.ts';

/** What is remembered of the scans of indexes: what a server counts begins anew with a crash, and has no times. */
export interface Reads {
  /** ms since the epoch. */
  readonly checkedAt: number;
  /** Each server that counts: that of the unit by '', its standbys by the names of their Secrets. */
  readonly servers: Readonly<Record<string, ServerReads>>;
}

interface ServerReads {
  /** Another one: the server has begun to count anew. */
  readonly epoch: string;
  /** By `database.schema.name`: scans that were counted, and since when it has been as many. */
  readonly indexes: Readonly<Record<string, readonly [scans: number, since: number]>>;
}

const dayMs = 86_400_000;
/** What is read once a week, and fails once, is in use. */
const unusedMs = 15 * dayMs;

interface Look {
  readonly unit: Pick<IndexesUnit, 'otherSecrets'>;
  readonly observed: IndexesSeen;
  /** ms since the epoch. */
  readonly now: number;
}

/** With what was read: once a day, and whenever a server has begun to count anew. The same object where nothing is new. */
export function withReads(memory: IndexesMemory | undefined, { unit, observed, now }: Look): IndexesMemory | undefined {
  const counted = countedIn(observed);
  const known = memory?.reads;
  const isAnew = counted.some(({ server, epoch }) => known?.servers[server]?.epoch !== epoch);
  if (counted.length === 0 || (known !== undefined && !isAnew && now < known.checkedAt + dayMs)) return memory;
  const silent = Object.entries(known?.servers ?? {}).filter(([server]) => unit.otherSecrets.includes(server)); // one that is away for a while begins no window anew
  const read = counted.map((one) => [one.server, readsOf(one, known?.servers[one.server], now)] as const);
  return { ...memory, reads: { checkedAt: now, servers: Object.fromEntries([...silent, ...read]) } };
}

function readsOf({ epoch, scans }: Counted, known: ServerReads | undefined, now: number): ServerReads {
  const before = known?.epoch === epoch ? known.indexes : {};
  const indexes = Object.entries(scans).map(([key, count]) => {
    const [countBefore, since = now] = before[key] ?? [];
    return [key, [count, countBefore === count ? since : now]] as const;
  });
  return { epoch, indexes: Object.fromEntries(indexes) };
}

/** Which indexes nobody has read for so long, the largest first. */
export function unusedIndexes(
  memory: IndexesMemory | undefined,
  { observed, now }: Omit<Look, 'unit'>,
): readonly UnusedIndex[] {
  const counted = countedIn(observed);
  const known = memory?.reads?.servers ?? {};
  const unused = dispensable(observed.databases).flatMap(({ key: name, sizeBytes }) => {
    const since = unreadSince(name, counted, { known, now });
    return since > now - unusedMs ? [] : [{ name, since, sizeBytes }];
  });
  return unused.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
}

/** For the message of a condition. */
export function unusedText(memory: IndexesMemory | undefined, look: Omit<Look, 'unit'>): readonly string[] {
  const all = unusedIndexes(memory, look);
  if (all.length === 0) return [];
  const more = all.length > mostNamed ? [`${all.length - mostNamed} more`] : [];
  const unused = [...all.slice(0, mostNamed).map(unusedIndexText), ...more];
  return [`Not read, though every write keeps them up: ${unused.join(', ')} (${lookedAt(memory, look.observed)}).`];
}

/** `on this server and 1 of its standbys; standbys not counted: 1` */
function lookedAt(memory: IndexesMemory | undefined, observed: IndexesSeen): string {
  const counted = countedIn(observed);
  const known = memory?.reads?.servers ?? {};
  const { standbys, standbysCounted } = observed;
  const isCounted = (server: string): boolean => counted.some((one) => one.server === server);
  const silent = Object.keys(known).filter((server) => !isCounted(server)).length;
  const notCounted = Math.max(standbys - standbysCounted, silent);
  const alsoOn = standbysCounted === 0 ? '' : ` and ${standbysCounted} of its standbys`;
  const others = notCounted > 0 ? `; standbys not counted: ${notCounted}` : '';
  return `on this server${alsoOn}${others}`;
}

/** A condition has room for a few names. */
const mostNamed = 10;

function unusedIndexText({ name, since, sizeBytes }: UnusedIndex): string {
  const size = sizeBytes < 2 ** 20 ? '' : ` (${Math.round(sizeBytes / 2 ** 20)} MiB)`;
  return `${name} since ${new Date(since).toISOString().slice(0, 10)}${size}`;
}

interface Known {
  readonly known: Reads['servers'];
  readonly now: number;
}

/** By all that count it, and by what is known of those that are away. */
function unreadSince(key: string, counted: readonly Counted[], { known, now }: Known): number {
  const here = counted.map(({ server, epoch, scans }) => {
    const before = known[server];
    const [count, since = now] = before?.indexes[key] ?? [];
    return before?.epoch === epoch && count === scans[key] ? since : now;
  });
  const remembered = Object.values(known).map(({ indexes }) => indexes[key]?.[1] ?? 0);
  return Math.max(...here, ...remembered);
}

/** What one server counts of the indexes that nothing but speed depends on. */
interface Counted {
  /** As in what is remembered. */
  readonly server: string;
  readonly epoch: string;
  /** By `database.schema.name`. */
  readonly scans: Readonly<Record<string, number>>;
}

/** The server itself first; none where there is no such index. */
function countedIn({ databases, standbyScans = {} }: IndexesSeen): readonly Counted[] {
  const indexes = dispensable(databases);
  if (indexes.length === 0) return [];
  const standbys = Object.entries(standbyScans).map(([server, standby]) =>
    countedOf(
      server,
      indexes.map(({ key, database, oid }) => {
        const { countedSince = '', scans = {} } = standby[database] ?? {};
        return { key, countedSince, scans: scans[oid] ?? 0 };
      }),
    ),
  );
  return [countedOf('', indexes), ...standbys];
}

/** Of the tables that are looked at each time, and the largest of all others that no plan has read. */
const dispensable = (databases: IndexesSeen['databases']) =>
  databases.flatMap(({ name: database, indexes, survey }) =>
    [...indexes.filter(({ isValid, isDispensable }) => isValid && isDispensable), ...(survey?.unread ?? [])].map(
      (index) => ({ ...index, database, key: `${database}.${index.schema}.${index.name}` }),
    ),
  );

interface CountedIndex {
  readonly key: string;
  readonly countedSince: string;
  readonly scans: number;
}

const countedOf = (server: string, indexes: readonly CountedIndex[]): Counted => ({
  server,
  epoch: [...new Set(indexes.map(({ countedSince }) => countedSince))].join(),
  scans: Object.fromEntries(indexes.map(({ key, scans }) => [key, scans])),
});
