import type { UnitMemory } from '../lever.ts';
import { placeOf, type Write } from './changes.ts';
import { databaseValue } from './judge.ts';
import type { PostgresObserved } from './observe.ts';
import { meansSame, type ServerSetting } from './setting.ts';

/** What would put back all that we once wrote, as far as it is still what we wrote: what somebody has changed since is theirs. */
export function toPutBack({ originals = {}, applied = {} }: UnitMemory, observed: PostgresObserved): readonly Write[] {
  return Object.entries(originals).flatMap(([field, original]) => {
    const place = placeOf(field);
    const [setting, written] = [observed.settings[place.name], applied[field]];
    if (setting === undefined || written === undefined) return [];
    const { database } = place;
    const isOurs = database === undefined ? isStillOurs(setting, written) : isOn(database, setting, written, observed);
    if (!isOurs || (original !== null && meansSame(setting, original, written))) return [];
    return [{ ...place, to: original, before: written }];
  });
}

/** Of these, what is seen to stand on a server that another operator has: by the value in force nobody tells ours from its own. */
export const seenThere = (memory: UnitMemory, observed: PostgresObserved): readonly Write[] =>
  toPutBack(memory, observed).filter(
    ({ name, database }) => database !== undefined || typeof observed.settings[name]?.inAutoConf === 'string',
  );

/** Of these, what stands on the server and is not wanted any more: nothing else tells of it. */
export const leftThere = (
  memory: UnitMemory | undefined,
  observed: PostgresObserved,
  wanted: ReadonlyMap<string, string>,
): readonly Write[] =>
  toPutBack(memory ?? {}, observed).filter(({ name, database }) => database === undefined && !wanted.has(name));

/** The file that we write tells, where we may see it; else what is in force, and what is pending is taken for ours. */
function isStillOurs(setting: ServerSetting, written: string): boolean {
  const { inAutoConf, value, isPending } = setting;
  if (inAutoConf !== undefined) return inAutoConf !== null && meansSame(setting, written, inAutoConf);
  return isPending || value === null || meansSame(setting, written, value);
}

function isOn(database: string, setting: ServerSetting, written: string, { overlays }: PostgresObserved): boolean {
  const there = databaseValue(setting.name, { overlays, database });
  return there !== undefined && meansSame(setting, written, there);
}
