import { problemMessage } from '../../api/problem.ts';
import type { PlannedCondition, UnitMemory } from '../lever.ts';
import { differenceOf, fieldOf, type PostgresChange, type Write } from './changes.ts';
import type { PostgresObserved } from './observe.ts';
import { seenThere } from './originals.ts';
import type { PostgresUnit } from './unit.ts';

export interface HandOver {
  readonly changes: readonly PostgresChange[];
  /** Why some of it stays where it is; undefined: none does. */
  readonly obstacle: PlannedCondition | undefined;
}

/** Another operator has the server now, and what we have set there before wins over all that it sets: it goes back, whatever becomes of the service. */
export function handOver(
  memory: UnitMemory | undefined,
  observed: PostgresObserved,
  { name, clusterRef }: PostgresUnit,
): HandOver {
  const { systemId } = observed;
  const there = seenThere(memory ?? {}, observed);
  const [open, stuck] = [
    there.filter((write) => mayWrite(write, observed)).toSorted(databasesFirst),
    there.filter((write) => !mayWrite(write, observed)),
  ];
  const object = `${clusterRef?.kind} ${clusterRef?.name}`;
  const differences = open.map((write) => ({ ...differenceOf(write), to: write.to ?? `what ${object} says` }));
  return {
    changes: open.length === 0 ? [] : [{ cause: 'Declared', differences, systemId, writes: open }],
    obstacle: stuck.length === 0 ? undefined : stuckCondition(stuck, observed, { name, object }),
  };
}

/** A file that cannot be written tells so only when it is to be: what needs no file is back by then. */
const databasesFirst = (a: Write, b: Write): number =>
  Number(a.database === undefined) - Number(b.database === undefined);

/** What lets us have it back. */
export const letItBack =
  'allow ALTER SYSTEM for a minute (CloudNativePG: spec.postgresql.enableAlterSystem: true): it is put back then by itself';

function mayWrite(
  { name, database }: Write,
  { settings, mayReload, ownsDatabase, isStandby }: PostgresObserved,
): boolean {
  if (database !== undefined) return ownsDatabase && !isStandby;
  return isAllowed(settings) && mayReload && settings[name]?.maySet === true;
}

const isAllowed = (settings: PostgresObserved['settings']): boolean => settings['allow_alter_system']?.value !== 'off';

function stuckCondition(
  stuck: readonly Write[],
  { settings, role }: PostgresObserved,
  { name, object }: { readonly name: string; readonly object: string },
): PlannedCondition {
  const list = stuck.map((write) => `${fieldOf(write)} = ${write.before}`).join(', ');
  const isOff = !isAllowed(settings) && stuck.some(({ database }) => database === undefined);
  const saw = `${list} on ${name}, set by us before clusterRef named ${object}${isOff ? ', and allow_alter_system = off' : `, and no right of ${role} to take it back`}`;
  const next = isOff
    ? letItBack
    : `let ${role} have the rights that it had (docs/levers/postgresql.md): it is put back then by itself`;
  const message = problemMessage({ saw, wanted: `what ${object} says, over which it wins`, next });
  return { status: 'False', reason: isOff ? 'AlterSystemOff' : 'PermissionDenied', message };
}
