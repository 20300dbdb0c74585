import type { PlanInput } from '../../lever.ts';
import type { BuildSession, Index } from './catalogue.ts';
import type { IndexesChange } from './changes.ts';
import type { IndexesObserved } from './observe.ts';
import type { IndexesUnit } from './unit.ts';

type Input = PlanInput<IndexesUnit, IndexesObserved>;
/** Whether an index is declared, and may be built. */
export type IsWanted = (database: string, schema: string, name: string) => boolean;

/** So long a build may wait for one lock: it keeps autovacuum and changes of the table waiting meanwhile. */
const hopelessSeconds = 1800;

/** What runs on our account, or is left of it, and is not wanted any more: after a change of the policy, in DryRun and Paused, or because it waits in vain. */
export function withdrawals({ unit, observed }: Input, isWanted: IsWanted): readonly IndexesChange[] {
  const sessions = observed.builds.flatMap((session) => {
    const { pid, database, schema, index: name, indexOid: oid } = session;
    if (!isOurs(session, unit) || schema === null || name === null || oid === null) return [];
    const inVain = isWanted(database, schema, name);
    if (inVain && !isHopeless(session)) return [];
    return [dropOf(database, { schema, name, oid, isValid: false }, { pid, inVain })];
  });
  const left = marked({ unit, observed })
    .filter(({ database, index }) => !index.isValid && !isBeingBuilt(index, database, observed))
    .filter(({ database, index }) => !isWanted(database, index.schema, index.name))
    .map(({ database, index }) => dropOf(database, index));
  return [...sessions, ...left];
}

/** What we have built and nobody declares any more. */
export const prunings = ({ unit, observed }: Input, isWanted: IsWanted): readonly IndexesChange[] =>
  marked({ unit, observed })
    .filter(({ database, index }) => index.isValid && !isWanted(database, index.schema, index.name))
    .map(({ database, index }) => dropOf(database, index));

/** What a process of ours began that is gone: the index says whose it is before nobody knows any more. */
export function marks({ unit, observed }: Input): readonly IndexesChange[] {
  return observed.databases.flatMap(({ name: database, indexes }) =>
    indexes
      .filter(
        ({ comment, schema, name }) =>
          comment === null &&
          observed.builds.some((one) => isOurs(one, unit) && builds(one, database, { schema, name })),
      )
      .map(({ schema, name, oid }): IndexesChange => ({
        action: 'Mark',
        cause: 'Declared',
        differences: [{ field: `comment of index ${name}`, to: unit.mark }],
        database,
        schema,
        name,
        oid,
      })),
  );
}

const marked = ({ unit, observed }: Pick<Input, 'unit' | 'observed'>) =>
  observed.databases.flatMap(({ name: database, indexes }) =>
    indexes.filter(({ comment }) => comment === unit.mark).map((index) => ({ database, index })),
  );

const isOurs = ({ application, isOurRole }: BuildSession, { session }: IndexesUnit): boolean =>
  isOurRole && application === session;
const isHopeless = ({ waitsSeconds }: BuildSession): boolean =>
  waitsSeconds !== null && waitsSeconds >= hopelessSeconds;
const builds = (session: BuildSession, database: string, { schema, name }: Pick<Index, 'schema' | 'name'>): boolean =>
  session.database === database && session.schema === schema && session.index === name;
/** Where the server does not tell what a session builds, it may be this. */
const isBeingBuilt = (index: Index, database: string, observed: IndexesObserved): boolean =>
  observed.builds.some((one) => builds(one, database, index) || (one.database === database && one.index === null));

function dropOf(
  database: string,
  { schema, name, oid, isValid }: Pick<Index, 'schema' | 'name' | 'oid' | 'isValid'>,
  { pid, inVain }: { readonly pid: number | null; readonly inVain: boolean } = { pid: null, inVain: false },
): IndexesChange {
  const from = isValid ? 'valid' : pid === null ? 'invalid' : 'being built';
  return {
    action: 'Drop',
    cause: 'Declared',
    ...(isValid ? {} : { isWithdrawal: true as const }),
    differences: [{ field: `index ${name}`, from, to: 'dropped' }],
    database,
    schema,
    name,
    oid,
    pid,
    inVain,
    isValid,
  };
}
