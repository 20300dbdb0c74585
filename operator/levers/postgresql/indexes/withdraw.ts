import type { PlanInput } from '../../lever.ts';
import type { BuildSession, Index } from './catalogue.ts';
import type { IndexesChange, IndexesMemory } from './changes.ts';
import type { IndexesObserved } from './observe.ts';
import { inVainOf, isOurs, type InVain } from './standstill.ts';
import type { IndexesUnit } from './unit.ts';

type Input = PlanInput<IndexesUnit, IndexesObserved, IndexesMemory>;
/** Whether an index is declared, and may be built. */
export type IsWanted = (database: string, schema: string, name: string) => boolean;

/** What runs on our account, or is left of it, and is not wanted any more: after a change of the policy, in DryRun and Paused, or because it comes to no end. */
export function withdrawals(input: Input, isWanted: IsWanted): readonly IndexesChange[] {
  const { unit, observed } = input;
  const sessions = observed.builds.flatMap((session) => {
    const { pid, database, schema, index: name, indexOid: oid } = session;
    if (!isOurs(session, unit) || schema === null || name === null || oid === null) return [];
    const isDeclared = isWanted(database, schema, name);
    const inVain = isDeclared ? inVainOf(session, input) : null;
    if (isDeclared && inVain === null) return [];
    return [dropOf(database, { schema, name, oid, isValid: false, isPartitioned: false }, { pid, inVain })];
  });
  const left = marked({ unit, observed })
    .filter(({ database, index }) => !isWhole(index) && !isBeingBuilt(index, database, observed))
    .filter(({ database, index }) => !isWanted(database, index.schema, index.name))
    .map(({ database, index }) => dropOf(database, index));
  return [...sessions, ...left];
}

/** What we have built and nobody declares any more. */
export const prunings = ({ unit, observed }: Input, isWanted: IsWanted): readonly IndexesChange[] =>
  marked({ unit, observed })
    .filter(({ database, index }) => isWhole(index) && !isWanted(database, index.schema, index.name))
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

/** Of a partitioned table it costs no write while it is not valid, and the indexes of partitions that are there already serve. */
const isWhole = ({ isValid, isPartitioned }: Index): boolean => isValid || isPartitioned;

/** What is a part of another goes with that one, and not before. */
const marked = ({ unit, observed }: Pick<Input, 'unit' | 'observed'>) =>
  observed.databases.flatMap(({ name: database, indexes }) =>
    indexes
      .filter(({ comment, parentOid }) => comment === unit.mark && parentOid === null)
      .map((index) => ({ database, index })),
  );

const builds = (session: BuildSession, database: string, { schema, name }: Pick<Index, 'schema' | 'name'>): boolean =>
  session.database === database && session.schema === schema && session.index === name;
/** Where the server does not tell what a session builds, it may be this. */
const isBeingBuilt = (index: Index, database: string, observed: IndexesObserved): boolean =>
  observed.builds.some((one) => builds(one, database, index) || (one.database === database && one.index === null));

function dropOf(
  database: string,
  { schema, name, oid, isValid, isPartitioned }: Pick<Index, 'schema' | 'name' | 'oid' | 'isValid' | 'isPartitioned'>,
  { pid, inVain }: { readonly pid: number | null; readonly inVain: InVain | null } = { pid: null, inVain: null },
): IndexesChange {
  const from = isValid ? 'valid' : isPartitioned ? 'in part' : pid === null ? 'invalid' : 'being built';
  return {
    action: 'Drop',
    cause: 'Declared',
    ...(isValid || isPartitioned ? {} : { isWithdrawal: true as const }),
    isIndependent: true,
    differences: [{ field: `index ${name}`, from, to: 'dropped' }],
    database,
    schema,
    name,
    oid,
    pid,
    inVain,
    isValid,
    isPartitioned,
  };
}
