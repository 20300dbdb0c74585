import type { IndexesMemory } from './changes.ts';
import { afterBuild, beforeBuild, type Gain } from './gain.ts';
import type { IndexVerdict } from './judge.ts';
import type { DatabaseSeen, IndexesObserved } from './observe.ts';

export type Gains = NonNullable<IndexesMemory['gains']>;

/** What is to be remembered of each declared index. `begun`: whose build begins now. */
export function gainsOf(
  verdicts: readonly IndexVerdict[],
  begun: IndexVerdict | undefined,
  { observed, memory }: { readonly observed: IndexesObserved; readonly memory: IndexesMemory | undefined },
): Gains {
  const entries = verdicts.flatMap((verdict) => {
    const database = observed.databases.find(({ name }) => name === verdict.database);
    const gain = gainOf(verdict, { isBegun: verdict === begun, known: memory?.gains?.[verdict.wanted.name], database });
    return gain === undefined ? [] : [[verdict.wanted.name, gain] as const];
  });
  return Object.fromEntries(entries);
}

interface Known {
  readonly isBegun: boolean;
  readonly known: Gain | undefined;
  readonly database: DatabaseSeen | undefined;
}

function gainOf(verdict: IndexVerdict, { isBegun, known, database }: Known): Gain | undefined {
  if (isBegun) return known?.state === 'Before' ? known : gainBefore(verdict, database); // of the partitions that are done statements gain already
  const counts = database?.counts;
  return verdict.state === 'Valid' && known !== undefined && counts !== undefined
    ? afterBuild(known, counts.measured)
    : known;
}

/** Statements name the declared table, also where the build begins on a partition of it. */
function gainBefore({ wanted }: IndexVerdict, database: DatabaseSeen | undefined): Gain | undefined {
  const table = database?.tables.find(({ schema, name }) => schema === wanted.schema && name === wanted.table);
  const named = table && database?.counts?.named[table.oid];
  return named && beforeBuild(named);
}

/** The same object where nothing is new. */
export function withGains(memory: IndexesMemory | undefined, gains: Gains): IndexesMemory | undefined {
  const known = memory?.gains ?? {};
  const names = Object.keys({ ...known, ...gains });
  if (names.every((name) => known[name] === gains[name])) return memory;
  return { ...memory, gains };
}
