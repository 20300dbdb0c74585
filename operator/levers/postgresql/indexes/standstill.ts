import type { BuildSession } from './catalogue.ts';
import type { IndexesMemory } from './changes.ts';
import type { IndexesObserved } from './observe.ts';
import type { IndexesUnit } from './unit.ts';

/** What the server counted of a build, and when it was seen first; ms since the epoch. */
export interface Standstill {
  /** Process and index: a process may build another one later. */
  readonly of: string;
  readonly counted: string;
  readonly since: number;
}

/** Why a build is ended that is wanted. */
export type InVain = 'LockWait' | 'NoProgress';

/** So long a build may wait for one lock, or do nothing: it keeps autovacuum and changes of the table waiting meanwhile. */
const hopelessMs = 1_800_000;
/** From then on it is told. What moves on is written down once in so long, not at each visit. */
const tellingMs = 300_000;

/** Those in which the server counts what it does: not sorting, nor what methods other than btree do after they have read the table. */
const countedPhases =
  /^(?:initializing|waiting for |building index: (?:scanning table|loading tuples)|index validation: scanning table)/;

const isCounted = ({ phase }: BuildSession): boolean => phase !== null && countedPhases.test(phase);
const keyOf = ({ pid, indexOid }: BuildSession): string => `${pid} ${indexOid}`;

export const isOurs = ({ application, isOurRole }: BuildSession, { session }: Pick<IndexesUnit, 'session'>): boolean =>
  isOurRole && application === session;

interface Look {
  readonly unit: Pick<IndexesUnit, 'session'>;
  readonly observed: Pick<IndexesObserved, 'builds'>;
  /** ms since the epoch. */
  readonly now: number;
}

/** With what the server counts of the build now. The same object where nothing is to be written down. */
export function withStandstill(memory: IndexesMemory | undefined, look: Look): IndexesMemory | undefined {
  const known = memory?.standstill;
  const standstill = standstillIn(known, look);
  if (standstill === known) return memory;
  const { standstill: _, ...rest }: IndexesMemory = memory ?? {};
  return standstill === undefined ? rest : { ...rest, standstill };
}

function standstillIn(known: Standstill | undefined, { unit, observed, now }: Look): Standstill | undefined {
  const session = observed.builds.find((one) => isOurs(one, unit) && isCounted(one));
  if (session === undefined || session.counted === null) return undefined;
  const [of, counted] = [keyOf(session), session.counted];
  if (known?.of === of && (known.counted === counted || now - known.since < tellingMs)) return known;
  return { of, counted, since: now };
}

/** Since when the server has counted nothing new, where that is worth a word. */
export function stillSince(
  session: BuildSession,
  { memory, now }: { readonly memory: IndexesMemory | undefined; readonly now: number },
): number | undefined {
  const { of, counted, since = now } = memory?.standstill ?? {};
  const isStill = of === keyOf(session) && counted === session.counted; // its phase is part of that
  return isStill && now - since >= tellingMs ? since : undefined;
}

/** Why a build will come to no end; null: it goes on. */
export function inVainOf(
  session: BuildSession,
  look: { readonly memory: IndexesMemory | undefined; readonly now: number },
): InVain | null {
  if ((session.waitsSeconds ?? 0) * 1000 >= hopelessMs) return 'LockWait';
  const since = stillSince(session, look);
  return since !== undefined && look.now - since >= hopelessMs ? 'NoProgress' : null;
}
