import { isDeepStrictEqual } from 'node:util';
import type { Difference, LeverChange, UnitMemory } from '../lever.ts';
import { databaseValue } from './judge.ts';
import type { PostgresObserved } from './observe.ts';
import type { ServerOwner } from './owner.ts';
import type { Differs, Verdict } from './verdict.ts';

/** One round of ALTER SYSTEM and ALTER DATABASE on one server, and a reload. */
export interface PostgresChange extends LeverChange {
  /** The server that the plan was made for. */
  readonly systemId: string | null;
  readonly writes: readonly Write[];
  /** What of ours the object of the server's own operator is to have, instead of any write to the server. */
  readonly owner?: Pick<ServerOwner, 'uid' | 'parameters'>;
}

/** One parameter in postgresql.auto.conf, or of one database. */
export interface Write extends Place {
  /** Null: taken out (RESET). */
  readonly to: string | null;
  /** What stands there now; null: nothing. It goes back where the server does not take the new value. */
  readonly before: string | null;
}

/** What a parameter is set on: the server, or a database. */
export interface Place {
  readonly name: string;
  readonly database?: string;
}

const of = ' of database ';

/** How a place is called in what is remembered and told: `work_mem`, `work_mem of database shop`. */
export const fieldOf = ({ name, database }: Place): string =>
  database === undefined ? name : `${name}${of}${database}`;

/** No parameter has a blank in its name. */
export function placeOf(field: string): Place {
  const at = field.indexOf(of);
  return at === -1 ? { name: field } : { name: field.slice(0, at), database: field.slice(at + of.length) };
}

/** A write that puts something back, in words. */
export const differenceOf = (write: Write): Difference => ({
  field: fieldOf(write),
  ...(write.before === null ? {} : { from: write.before }),
  to: write.to ?? 'what the server has by itself',
});

export interface ChangesInput {
  /** Of this very server. */
  readonly memory: UnitMemory | undefined;
  readonly observed: Pick<PostgresObserved, 'systemId' | 'address' | 'overlays'>;
  readonly verdicts: readonly Verdict[];
}

/** What was remembered of another server says nothing of this one: neither what stood there nor what is ours. */
export function memoryOf(
  memory: UnitMemory | undefined,
  { systemId }: Pick<PostgresObserved, 'systemId'>,
): UnitMemory | undefined {
  const known = memory?.serverRun;
  return known === undefined || systemId === null || known === systemId ? memory : undefined;
}

/** Why a parameter is not as declared. What was only intended (a kill, a time-out) or refused is no drift. */
function causeOf(differs: Differs, memory: UnitMemory | undefined): 'Declared' | 'Drift' {
  const field = fieldOf(differs);
  const isOurs = memory?.applied?.[field] === differs.text && memory.unconfirmed?.includes(field) !== true;
  return isOurs ? 'Drift' : 'Declared';
}

/** One change for each cause; what was never in force comes last, since it may be refused and a refusal ends the visit. */
export function changesOf(input: ChangesInput): readonly PostgresChange[] {
  let remember = inForceMemory(input);
  return (['Drift', 'Declared'] as const).flatMap((cause) => {
    const differing = input.verdicts.filter(
      (verdict) => verdict.state === 'Differs' && causeOf(verdict, input.memory) === cause,
    ) as readonly Differs[];
    if (differing.length === 0) return [];
    remember = withChange(remember, differing, cause);
    const differences = differing.map((one) => ({ field: fieldOf(one), from: one.from, to: one.text }));
    const writes = differing.map((one) => ({ ...placeOf(fieldOf(one)), to: one.text, before: one.before }));
    return [{ cause, differences, remember, systemId: input.observed.systemId, writes }];
  });
}

/** What is to be remembered of a server on which nothing is to be changed; undefined when the memory says so already. */
export function rememberInForce(input: ChangesInput): UnitMemory | undefined {
  const next = inForceMemory(input);
  return isDeepStrictEqual(next, input.memory) ? undefined : next;
}

function inForceMemory({ memory, observed, verdicts }: ChangesInput): UnitMemory {
  const { systemId, address } = observed;
  const found = Object.fromEntries(
    verdicts.flatMap((one) =>
      one.state === 'InForce' || one.state === 'PendingRestart' ? [[fieldOf(one), one.text] as const] : [],
    ),
  );
  const unconfirmed = (memory?.unconfirmed ?? []).filter((name) => !(name in found));
  return {
    originals: withoutGone(memory?.originals ?? {}, observed),
    applied: { ...withoutGone(memory?.applied ?? {}, observed), ...found },
    ...(systemId === null ? {} : { serverRun: systemId }),
    address,
    ...(unconfirmed.length === 0 ? {} : { unconfirmed }),
  };
}

/** What a database no longer has was taken away, by us or by somebody: it is nothing to put back. */
const withoutGone = <Value>(
  fields: Readonly<Record<string, Value>>,
  { overlays }: ChangesInput['observed'],
): Readonly<Record<string, Value>> =>
  Object.fromEntries(
    Object.entries(fields).filter(([field]) => {
      const { name, database } = placeOf(field);
      return database === undefined || databaseValue(name, { overlays, database }) !== undefined;
    }),
  );

/** What somebody wrote over a value that was as declared all along is no original; nothing written is, whatever the other files say now. */
function withChange(memory: UnitMemory, differing: readonly Differs[], cause: LeverChange['cause']): UnitMemory {
  const isFound = ({ before }: Differs): boolean => cause === 'Declared' || before === null;
  const originals = Object.fromEntries(differing.map((one) => [fieldOf(one), isFound(one) ? one.before : one.text]));
  const applied = Object.fromEntries(differing.map((one) => [fieldOf(one), one.text]));
  return { ...memory, originals: { ...originals, ...memory.originals }, applied: { ...memory.applied, ...applied } };
}
