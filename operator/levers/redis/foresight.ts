import type { CountedKey, SampledKey } from './key-sample.ts';
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
  /** Those go that were not used for so long; undefined: others. */
  readonly idleSeconds?: number;
  /** Those go that have least of it; undefined: any, or the oldest. */
  readonly least?: RankedBy;
  /** Of those that have an expiry. */
  readonly onlyExpiring?: boolean;
  readonly ratio: number | undefined;
}

type RankedBy = 'TimeLeft' | 'Use';

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
  const gone = countToFree(oldestFirst, keys, (used - target) / (used - startup));
  const idleSeconds = oldestFirst[Math.max(0, gone - 1)]?.idleSeconds ?? 0;
  const keyShare = gone / keys.length;
  if (ratio === undefined || lookupsPerSecond === undefined || lookupsPerSecond === 0)
    return { keyShare, idleSeconds, ratio: undefined };
  const lost = lostHitsPerSecond(input, idleSeconds) / lookupsPerSecond;
  return { keyShare, idleSeconds, ratio: Math.max(0, ratio - Math.max(0, lost)) };
}

const mayGo = <Key extends { readonly stays?: true }>(keys: readonly Key[]): readonly Key[] =>
  keys.filter(({ stays }) => stays !== true);

type ByRank<Key> = Omit<ForesightInput, 'keys' | 'lookupsPerSecond'> & { readonly keys: readonly Key[] };

/** Those go that expire first. The fifth that was used last tells whom the look-ups are for: as many of those as go, so much of the hits. */
export function foreseeByExpiry({ keys, ...input }: ByRank<SampledKey>): Foresight | undefined {
  const idle = keys.map(({ idleSeconds }) => idleSeconds).toSorted((a, b) => a - b);
  const since = idle[Math.max(fewestKeys, Math.floor(keys.length / 5)) - 1] ?? 0;
  const ranked = keys.map(({ leftMs = 0, idleSeconds, ...key }) => ({
    ...key,
    rank: leftMs,
    use: Number(idleSeconds <= since),
  }));
  return foreseeByRank({ ...input, keys: ranked }, 'TimeLeft');
}

/** Those go that are used least. A counter stays where it is while a key is used as fast as it fades: ten times as often for each that it is above the one of a new key (lfu-log-factor 10). */
export function foreseeByUse({ keys, ...input }: ByRank<CountedKey>): Foresight | undefined {
  const ranked = keys.map(({ counter, ...key }) => ({
    ...key,
    rank: counter,
    use: counter < ofNewKey ? 0 : (counter - ofNewKey) * 10 + 1,
  }));
  return foreseeByRank({ ...input, keys: ranked }, 'Use');
}

/** LFU_INIT_VAL of its source: what is below has faded. */
const ofNewKey = 5;

interface RankedKey extends Pick<SampledKey, 'bytes' | 'stays'> {
  /** The least goes first. */
  readonly rank: number;
  /** Of the look-ups, in comparison. */
  readonly use: number;
}

function foreseeByRank(
  { keys, used, startup, target, ratio }: ByRank<RankedKey>,
  least: RankedBy,
): Foresight | undefined {
  const leastFirst = mayGo(keys).toSorted((a, b) => a.rank - b.rank);
  if (leastFirst.length < fewestKeys || used <= startup) return undefined;
  const gone = leastFirst.slice(0, countToFree(leastFirst, keys, (used - target) / (used - startup)));
  const [lost, all] = [gone, keys].map((some) => some.reduce((sum, { use }) => sum + use, 0));
  const after = ratio === undefined || !all ? undefined : ratio * (1 - (lost ?? 0) / all);
  return { keyShare: gone.length / keys.length, least, ratio: after };
}

/** How many of these, in this order, are such a share of the bytes of all. */
function countToFree(
  inOrder: readonly Pick<SampledKey, 'bytes'>[],
  all: readonly Pick<SampledKey, 'bytes'>[],
  share: number,
): number {
  const mustGo = share * all.reduce((sum, { bytes }) => sum + bytes, 0);
  let [gone, freed] = [0, 0];
  for (; gone < inOrder.length && freed < mustGo; gone += 1) freed += inOrder[gone]?.bytes ?? 0;
  return gone;
}

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

function whichOnes({
  idleSeconds,
  least,
  onlyExpiring = false,
}: Pick<Foresight, 'idleSeconds' | 'least' | 'onlyExpiring'>): string {
  if (least === 'TimeLeft') return 'those that expire first';
  if (least === 'Use') return `those ${onlyExpiring ? 'with an expiry ' : ''}that are used least often`;
  if (idleSeconds === undefined) return `any of ${onlyExpiring ? 'those with an expiry' : 'them'}`;
  return `those ${onlyExpiring ? 'with an expiry ' : ''}that were not used for ${coarse(idleSeconds)} or more`;
}

function coarse(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
