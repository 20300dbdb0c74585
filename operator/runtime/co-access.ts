import { LRUCache } from 'lru-cache';

/** What is kept, whatever the load: a few megabytes at most. */
const bounds = { sessions: 1_000, ofSession: 4, keys: 5_000, related: 8 } as const;

export interface CoAccess {
  /** @param session What belongs together: a request, a user. @returns How often the key was read. */
  note(session: string, key: string): number;
  /** Keys that were read in the same sessions, most often first. */
  related(key: string): readonly string[];
  /** So many keys, most often read first. */
  popular(count: number): readonly string[];
}

interface Read {
  count: number;
  /** How often each other key was read beside it. */
  readonly beside: Map<string, number>;
}

/** Which keys are read together, from real reads. The least recently read key, session and companion make room for new ones. */
export function createCoAccess(): CoAccess {
  const sessions = new LRUCache<string, string[]>({ max: bounds.sessions });
  const keys = new LRUCache<string, Read>({ max: bounds.keys });
  const readOf = (key: string): Read => keptIn(keys, key, () => ({ count: 0, beside: new Map() }));
  return {
    note(session, key) {
      const recent = keptIn(sessions, session, () => []);
      const read = readOf(key);
      read.count += 1;
      for (const other of recent) {
        if (other === key) continue;
        bump(read.beside, other);
        bump(readOf(other).beside, key);
      }
      if (!recent.includes(key)) recent.push(key);
      if (recent.length > bounds.ofSession) recent.shift();
      return read.count;
    },
    popular: (count) =>
      [...keys.entries()]
        .toSorted(([, a], [, b]) => b.count - a.count)
        .slice(0, count)
        .map(([key]) => key),
    related: (key) => [...(keys.peek(key)?.beside ?? [])].toSorted(([, a], [, b]) => b - a).map(([other]) => other),
  };
}

/** The entry, made where there is none. */
function keptIn<T extends object>(all: LRUCache<string, T>, name: string, make: () => T): T {
  const known = all.get(name);
  if (known !== undefined) return known;
  const made = make();
  all.set(name, made);
  return made;
}

/** One more; of those that are too many the rarest goes, so that chance does not push out what lasts. */
function bump(beside: Map<string, number>, key: string): void {
  beside.set(key, (beside.get(key) ?? 0) + 1);
  if (beside.size <= bounds.related) return;
  let [rarest, fewest] = ['', Infinity];
  for (const [other, count] of beside) if (other !== key && count < fewest) [rarest, fewest] = [other, count];
  beside.delete(rarest);
}
