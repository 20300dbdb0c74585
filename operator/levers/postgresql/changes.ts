import { isDeepStrictEqual } from 'node:util';
import type { LeverChange, UnitMemory } from '../lever.ts';
import type { PostgresObserved } from './observe.ts';
import type { Differs, Verdict } from './verdict.ts';

/** One round of ALTER SYSTEM on one server, and a reload. */
export interface PostgresChange extends LeverChange {
  /** The server that the plan was made for. */
  readonly systemId: string | null;
  readonly writes: readonly Write[];
}

/** One parameter in postgresql.auto.conf. */
export interface Write {
  readonly name: string;
  /** Null: taken out (RESET). */
  readonly to: string | null;
  /** What stands there now; null: nothing. It goes back where the server does not take the new value. */
  readonly before: string | null;
}

interface ChangesInput {
  /** Of this very server. */
  readonly memory: UnitMemory | undefined;
  readonly observed: Pick<PostgresObserved, 'systemId' | 'address'>;
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
function causeOf({ name, text }: Differs, memory: UnitMemory | undefined): 'Declared' | 'Drift' {
  const isOurs = memory?.applied?.[name] === text && memory.unconfirmed?.includes(name) !== true;
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
    remember = withChange(remember, differing);
    const differences = differing.map(({ name, from, text }) => ({ field: name, from, to: text }));
    const writes = differing.map(({ name, text, inAutoConf }) => ({ name, to: text, before: inAutoConf }));
    return [{ cause, differences, remember, systemId: input.observed.systemId, writes }];
  });
}

/** What is to be remembered of a server on which nothing is to be changed; undefined when the memory says so already. */
export function rememberInForce(input: ChangesInput): UnitMemory | undefined {
  const next = inForceMemory(input);
  return isDeepStrictEqual(next, input.memory) ? undefined : next;
}

function inForceMemory({ memory, observed: { systemId, address }, verdicts }: ChangesInput): UnitMemory {
  const found = Object.fromEntries(
    verdicts.flatMap((one) =>
      one.state === 'InForce' || one.state === 'PendingRestart' ? [[one.name, one.text] as const] : [],
    ),
  );
  const unconfirmed = (memory?.unconfirmed ?? []).filter((name) => !(name in found));
  return {
    originals: memory?.originals ?? {},
    applied: { ...memory?.applied, ...found },
    ...(systemId === null ? {} : { serverRun: systemId }),
    address,
    ...(unconfirmed.length === 0 ? {} : { unconfirmed }),
  };
}

function withChange(memory: UnitMemory, differing: readonly Differs[]): UnitMemory {
  const originals = Object.fromEntries(differing.map(({ name, inAutoConf }) => [name, inAutoConf]));
  const applied = Object.fromEntries(differing.map(({ name, text }) => [name, text]));
  return { ...memory, originals: { ...originals, ...memory.originals }, applied: { ...memory.applied, ...applied } };
}
