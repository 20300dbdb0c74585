import type { SampledKey } from './key-sample.ts';
import { mebibytes } from './mebibytes.ts';

export interface ForesightInput {
  readonly keys: readonly SampledKey[];
  /** Of all keys of the server. */
  readonly totalKeys: number;
  /** Bytes: what counts against the limit, and what of it the empty server uses. */
  readonly used: number;
  readonly startup: number;
  readonly target: number;
  /** Now: hits of all look-ups, and look-ups a second. Undefined while too few were counted. */
  readonly ratio: number | undefined;
  readonly lookupsPerSecond: number | undefined;
}

export interface Foresight {
  /** Of all keys. */
  readonly keyShare: number;
  /** Those go that were not used for so long; undefined: any. */
  readonly idleSeconds?: number;
  /** Of those that have an expiry. */
  readonly onlyExpiring?: boolean;
  readonly ratio: number | undefined;
}

/** Below that a sample says nothing. */
const fewestKeys = 50;

/**
 * What a lower limit throws out and what that costs, from a sample of the keys' sizes and idle times.
 *
 * LRU throws out what was unused for longest, so the limit means an age that no key lives beyond. As long as the traffic stays what it is, so many keys reach that age in a second as there are keys
 * of it, by the second: those would be gone. Some of them were never asked for again, and no loss: as many as there are of the oldest. The others are hits that become misses.
 */
export function foresee(input: ForesightInput): Foresight | undefined {
  const { keys, used, startup, target, ratio, lookupsPerSecond } = input;
  if (keys.length < fewestKeys || used <= startup) return undefined;
  const oldestFirst = mayGo(keys).toSorted((a, b) => b.idleSeconds - a.idleSeconds);
  if (oldestFirst.length < fewestKeys) return undefined;
  const mustGo = ((used - target) / (used - startup)) * keys.reduce((sum, { bytes }) => sum + bytes, 0);
  let [gone, freed] = [0, 0];
  for (; gone < oldestFirst.length && freed < mustGo; gone += 1) freed += oldestFirst[gone]?.bytes ?? 0;
  const idleSeconds = oldestFirst[Math.max(0, gone - 1)]?.idleSeconds ?? 0;
  const keyShare = gone / keys.length;
  if (ratio === undefined || lookupsPerSecond === undefined || lookupsPerSecond === 0)
    return { keyShare, idleSeconds, ratio: undefined };
  const lost = lostHitsPerSecond(input, idleSeconds) / lookupsPerSecond;
  return { keyShare, idleSeconds, ratio: Math.max(0, ratio - Math.max(0, lost)) };
}

const mayGo = (keys: readonly SampledKey[]): readonly SampledKey[] => keys.filter(({ stays }) => stays !== true);

function lostHitsPerSecond({ keys: all, totalKeys }: ForesightInput, age: number): number {
  const keys = mayGo(all);
  const oldest = Math.max(...keys.map(({ idleSeconds }) => idleSeconds));
  const reached = perSecond(keys, age * 0.75, age * 1.25 + 1);
  // Ages are whole seconds, and the clock may go on while keys are asked: those of one second may have two ages.
  const neverAgain = perSecond(keys, Math.min(Math.max(age, oldest * 0.8), oldest - 1), oldest + 1);
  return ((reached - neverAgain) * totalKeys) / all.length;
}

/** Keys of an age, by the second of it. */
function perSecond(keys: readonly SampledKey[], from: number, to: number): number {
  return keys.filter(({ idleSeconds }) => idleSeconds >= from && idleSeconds < to).length / (to - from);
}

/** The same where one key goes as well as another: the share of the keys is that of the bytes, and that of the hits too. */
export function foreseeAtRandom({
  totalKeys,
  used,
  startup,
  target,
  ratio,
}: Omit<ForesightInput, 'keys' | 'lookupsPerSecond'>): Foresight | undefined {
  if (totalKeys < fewestKeys || used <= startup) return undefined;
  const keyShare = Math.min(1, (used - target) / (used - startup));
  return { keyShare, ratio: ratio === undefined ? undefined : ratio * (1 - keyShare) };
}

/** For people: rounded, since it is another at each look. */
export function foresightText(
  target: number,
  { keyShare, ratio, ...which }: Foresight,
  ratioNow: number | undefined,
): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const keys = `about ${percent(Math.ceil(keyShare * 20) / 20)} of the keys would go, ${whichOnes(which)}`;
  const after =
    ratio === undefined || ratioNow === undefined
      ? 'what that costs of the hit ratio is not known: too few look-ups'
      : `the hit ratio would come from ${percent(ratioNow)} to about ${percent(ratio)}`;
  return `at maxmemory ${mebibytes(target)} ${keys}; ${after}`;
}

function whichOnes({ idleSeconds, onlyExpiring = false }: Pick<Foresight, 'idleSeconds' | 'onlyExpiring'>): string {
  if (idleSeconds === undefined) return `any of ${onlyExpiring ? 'those with an expiry' : 'them'}`;
  return `those ${onlyExpiring ? 'with an expiry ' : ''}that were not used for ${coarse(idleSeconds)} or more`;
}

function coarse(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
