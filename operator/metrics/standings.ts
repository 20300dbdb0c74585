import { attainmentOf } from '../decide/attainment.ts';
import { burnRate, burnWindows, type BurnRates, type BurnWindow } from '../decide/burn.ts';
import type { InsideSince, JudgedObjective, ObjectiveName } from '../decide/objectives.ts';
import { keyOf, type Key, type ObjectMeta } from '../kube/object.ts';
import { createRollUps, type RollUps, type SavedRollUps } from './roll-ups.ts';

/** How a service stands against its objectives, by the looks at it until now. */
export interface Standing {
  readonly namespace: string;
  readonly name: string;
  /** The newest look. */
  readonly looked: readonly JudgedObjective[];
  readonly insideSince: InsideSince;
  /** Points of the rating; undefined while none of it is known. */
  readonly score: number | undefined;
  /** Share of the policy's attainment window; undefined where nothing was judged in it. */
  attainment(objective: ObjectiveName, now: number): number | undefined;
  burnRates(objective: ObjectiveName, now: number): BurnRates;
}

/** One look at a service. */
export interface Look {
  readonly looked: readonly JudgedObjective[];
  readonly insideSince: InsideSince;
  readonly score?: number | undefined;
  readonly attainmentWindowMs: number;
  /** Between two looks. */
  readonly intervalMs: number;
  /** ms since the epoch. */
  readonly now: number;
  /** What an earlier process has kept of the service; asked at the first look. */
  readonly saved: () => SavedRollUps | undefined;
}

/** Standings of all services. They live in the leader; a service of which nothing was ever judged takes no memory for roll-ups. */
export interface Standings {
  note(service: Owner, look: Look): void;
  /** Of this very service: one made again under its name begins anew. */
  of(service: Owner): Standing | undefined;
  all(): Iterable<Standing>;
  /** Time was judged since the roll-ups were kept last, and that is an hour ago; `atOnce` whenever it was. */
  unsaved(service: Owner, now: number, when?: 'atOnce'): SavedRollUps | undefined;
  saved(service: Owner, now: number): void;
  /** ms since the epoch: when its roll-ups are to be kept next; the sooner, the longer ago they were. */
  saveAt(service: Owner): number | undefined;
  forget(key: Key): void;
  clear(): void;
}

interface Owner {
  readonly metadata: Pick<ObjectMeta, 'namespace' | 'name' | 'uid'>;
}

interface Kept {
  readonly uid: string;
  readonly rollUps: RollUps | undefined;
  readonly longestMs: number;
  readonly standing: Standing;
  readonly isUnsaved: boolean;
  readonly saveAt: number;
}

const saveEveryMs = 3_600_000;
/** Of looks that lie further apart it is not known how it was in between. */
const longestGap = 2.5;

/** At least an hour: spread, or services that were made together would be written together for ever. */
const nextSave = (now: number): number => now + saveEveryMs * (1 + 0.2 * Math.random());

export function createStandings(): Standings {
  const services = new Map<Key, Kept>();
  const find = (service: Owner): Kept | undefined => {
    const kept = services.get(keyOf(service));
    return kept?.uid === service.metadata.uid ? kept : undefined;
  };
  return {
    note: (service, look) => void services.set(keyOf(service), noted(service, look, find(service))),
    of: (service) => find(service)?.standing,
    *all() {
      for (const { standing } of services.values()) yield standing;
    },
    unsaved(service, now, when) {
      const kept = find(service);
      return kept?.isUnsaved === true && (when === 'atOnce' || now >= kept.saveAt) ? kept.rollUps?.save() : undefined;
    },
    saved(service, now) {
      const kept = find(service);
      if (kept !== undefined) services.set(keyOf(service), { ...kept, isUnsaved: false, saveAt: nextSave(now) });
    },
    saveAt: (service) => find(service)?.saveAt,
    forget: (key) => void services.delete(key),
    clear: () => services.clear(),
  };
}

function noted({ metadata }: Owner, look: Look, before: Kept | undefined): Kept {
  const { looked, insideSince, score, attainmentWindowMs, intervalMs, now } = look;
  const states = looked.map(({ name, judged }) => ({ name, state: judged }));
  const isJudged = states.some(({ state }) => state === 'Met' || state === 'NotMet');
  const longestMs = Math.max(attainmentWindowMs, burnWindows['3d']);
  const rollUps = rollUpsOf(look, before, { isJudged, longestMs });
  rollUps?.count(states, Math.max(now - longestGap * intervalMs, rollUps.countedUntil ?? now - intervalMs), now);
  return {
    uid: metadata.uid,
    rollUps,
    longestMs,
    isUnsaved: before?.isUnsaved === true || isJudged,
    saveAt: before?.saveAt ?? nextSave(now),
    standing: {
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      looked,
      insideSince,
      score,
      attainment: (objective, at) =>
        rollUps === undefined ? undefined : attainmentOf(rollUps.over(objective, attainmentWindowMs, at)),
      burnRates: (objective, at) => (rollUps === undefined ? {} : burnRatesOf(rollUps, objective, at)),
    },
  };
}

/** Those from before, where the policy's windows still fit into them; none as long as there is nothing to keep in them. */
function rollUpsOf(
  { saved }: Look,
  before: Kept | undefined,
  { isJudged, longestMs }: { readonly isJudged: boolean; readonly longestMs: number },
): RollUps | undefined {
  if (before?.rollUps !== undefined)
    return before.longestMs === longestMs ? before.rollUps : createRollUps(longestMs, before.rollUps.save());
  const known = before === undefined ? saved() : undefined;
  return known !== undefined || isJudged ? createRollUps(longestMs, known) : undefined;
}

function burnRatesOf(rollUps: RollUps, objective: ObjectiveName, now: number): BurnRates {
  const rates = (Object.keys(burnWindows) as readonly BurnWindow[]).flatMap((window) => {
    const rate = burnRate(rollUps.over(objective, burnWindows[window], now));
    return rate === undefined ? [] : [[window, rate] as const];
  });
  return Object.fromEntries(rates);
}
