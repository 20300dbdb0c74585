import type { Differing } from './changes.ts';
import { foresee, foreseeAtRandom, foreseeByExpiry, foreseeByUse, foresightText, type Foresight } from './foresight.ts';
import type { KeySample } from './key-sample.ts';
import { rateOf, ratioOf } from './looks.ts';
import { mebibytes } from './mebibytes.ts';
import type { Lowering, NodeMemory } from './node-memory.ts';
import type { ServerObserved } from './observe.ts';
import type { Role } from './topology.ts';
import type { Held, Verdict } from './verdict.ts';

export interface LoweringInput {
  readonly server: ServerObserved;
  readonly role: Role;
  /** Bytes: below what is in use, and below the limit in force. */
  readonly target: number;
  /** What the last step wrote down. */
  readonly last: Lowering | undefined;
  /** ms since the epoch. */
  readonly now: number;
  /** Whether a key that is a large part of what is to go stays. */
  readonly isGuarded: boolean;
}

/** Of what is in use: what a step throws out at most. */
export const stepShare = 0.05;
/** Of all that is to go: a key that is more has to be let go by somebody who knows it. */
const bigShare = 0.05;
/** So long a step is watched: a little less than from one visit to the next. */
const watchMs = 25_000;
/** So far above its limit a server is there. */
const hovering = 1.01;
/** So much of the hit ratio the way down may cost more than was foreseen. */
const tolerance = 0.05;

/**
 * maxmemory on its way below what is in use: a step, then a look at what it did, and so on. It stays where it is when the hit ratio is more than five points below what was foreseen for the step (below what it was,
 * where nothing could be), and goes back by a step when a write was refused for want of memory; another target begins anew.
 * A step after which the traffic was another is judged by what comes next, and before a key that is a large part of what is to go it stops.
 */
export function lower(input: LoweringInput): Verdict {
  const { server, target, now, isGuarded } = input;
  const known = ofTarget(input);
  const whole = known?.whole ?? server.usedMemoryBytes - target;
  const held = { ...(known && { lowering: known }) };
  if (isGuarded && bigKeyBytes(server) > whole * bigShare) return { ...heldByBigKey(server, target), ...held };
  if (!isStepDue(input)) return { ...underWay(server, target, known), ...held };
  if (known !== undefined && !isSteady(known, server, now)) {
    const lowering = judgedAnew(known, server, now);
    return { ...underWay(server, target, lowering), lowering };
  }
  return step(input, known, whole);
}

/** Whether the server has come down to its last step, and that was watched long enough. */
export function isStepDue(
  input: Pick<LoweringInput, 'role' | 'target' | 'last' | 'now'> & { readonly server: Memory },
): boolean {
  const { server, role, target, now } = input;
  const { maxMemoryBytes: from, usedMemoryBytes: used } = server;
  // A replica throws nothing out, its primary does: it is only kept one step ahead of what it has.
  const isThere = from === 0 || (role === 'Primary' ? used <= from * hovering : stepFrom(used, target) < from);
  const known = ofTarget(input);
  return isThere && (known === undefined || (known.stopped === undefined && now - known.at >= watchMs));
}

type Memory = Pick<ServerObserved, 'maxMemoryBytes' | 'usedMemoryBytes'>;

const ofTarget = ({ last, target }: Pick<LoweringInput, 'last' | 'target'>): Lowering | undefined =>
  last?.target === String(target) ? last : undefined;

const stepFrom = (used: number, target: number): number => Math.max(target, Math.floor(used * (1 - stepShare)));

function step({ server, target, now }: LoweringInput, known: Lowering | undefined, whole: number): Verdict {
  const { maxMemoryBytes: from, usedMemoryBytes: used, lookups, writesRefused, recent } = server;
  const to = stepFrom(used, target);
  const ratio = known === undefined ? recent?.ratio : known.ratio;
  const expected = foresightOf(server, to)?.ratio;
  const lookupsPerSecond = known === undefined ? rateNow(server) : rateSince(known, server, now);
  const lowering = {
    target: String(target),
    at: now,
    from: String(from),
    whole,
    ...lookups,
    writesRefused,
    ...(ratio !== undefined && { ratio }),
    ...(expected !== undefined && { expected }),
    ...(lookupsPerSecond !== undefined && { lookupsPerSecond }),
  };
  const differs = { state: 'Differs', name: 'maxmemory', from: String(from), to: String(to), lowering } as const;
  return to === target ? differs : { ...differs, underWay: underWay(server, target, lowering) };
}

const rateNow = ({ recent }: ServerObserved): number | undefined =>
  recent?.isAverage === true ? undefined : recent?.lookupsPerSecond;

const rateSince = (last: Lowering, { lookups }: ServerObserved, now: number): number | undefined =>
  rateOf(lookups, last, (now - last.at) / 1_000);

/** So many times more or less is another traffic, and so many look-ups a second are next to none. */
const alikeWithin = 2;
const negligible = 4;

/** Whether what was looked up since the step tells of the step: in another traffic the hit ratio would be another without it. */
function isSteady(last: Lowering, server: ServerObserved, now: number): boolean {
  if (last.lookupsPerSecond === undefined) return true;
  const rate = rateSince(last, server, now);
  if (rate === undefined) return false;
  const times = (rate + negligible) / (last.lookupsPerSecond + negligible);
  return times <= alikeWithin && times >= 1 / alikeWithin;
}

function judgedAnew({ lookupsPerSecond: _, ...last }: Lowering, server: ServerObserved, now: number): Lowering {
  const rate = rateSince(last, server, now);
  return {
    ...last,
    at: now,
    ...server.lookups,
    isInconclusive: true,
    ...(rate !== undefined && { lookupsPerSecond: rate }),
  };
}

/** Of the largest key that the search shows; 0 where none is known. */
const bigKeyBytes = ({ bigKeys }: ServerObserved): number =>
  bigKeys.state === 'Known' ? (bigKeys.keys[0]?.bytes ?? 0) : 0;

/** Why the last step was the last; undefined where it did no harm. */
export function stopped({ server, target, last, now }: Omit<LoweringInput, 'role' | 'isGuarded'>): Verdict | undefined {
  if (last?.target !== String(target)) return undefined;
  const stop = reasonToStop(server, last, now);
  if (stop === undefined) return undefined;
  const held = { ...whyStopped(server, target, stop), lowering: stop };
  const [from, to] = [String(server.maxMemoryBytes), last.from];
  if (stop.stopped !== 'WritesRefused') return from === String(target) ? undefined : held;
  return from === to ? held : { state: 'Differs', name: 'maxmemory', from, to, lowering: stop, underWay: held };
}

function reasonToStop(server: ServerObserved, last: Lowering, now: number): Lowering | undefined {
  if (last.stopped !== undefined) return last;
  if (server.writesRefused > last.writesRefused) return { ...last, stopped: 'WritesRefused' };
  const fellTo = ratioOf(server.lookups, last);
  const foreseen = last.expected ?? last.ratio;
  if (fellTo === undefined || foreseen === undefined || fellTo >= foreseen - tolerance) return undefined;
  return isSteady(last, server, now) ? { ...last, stopped: 'HitRatio', fellTo } : undefined;
}

const underWay = (server: ServerObserved, target: number, last: Lowering | undefined): Held => ({
  state: 'Held',
  name: 'maxmemory',
  reason: 'Lowering',
  wanted: `maxmemory ${mebibytes(target)}, for which keys are thrown out${losesLasting(server) ? ', also those without expiry' : ''}`,
  ...(last?.isInconclusive === true
    ? {
        saw: 'less than half or more than twice as many look-ups after the last step as before it',
        next: 'nothing: that step is judged by the look-ups that come now, and the next one waits for it',
      }
    : {
        saw: `more than ${mebibytes(target)} in use`,
        next: 'nothing: at each visit it comes down by 5 % of what is in use, as long as no write is refused and the hit ratio comes as foreseen',
      }),
});

/** The eviction guard holds no more than the switch to such a policy. */
const losesLasting = ({ evictionPolicy, keys }: ServerObserved): boolean =>
  evictionPolicy.startsWith('allkeys-') && keys.withoutExpiry > 0;

/** Freed in the background it stops nobody, but all of it goes at once, and no sample of the keys has foreseen what that costs. */
const heldByBigKey = (server: ServerObserved, target: number): Held => ({
  state: 'Held',
  name: 'maxmemory',
  reason: 'BigKey',
  saw: `a key of at least ${mebibytes(2 ** Math.floor(Math.log2(bigKeyBytes(server))))}, which is more than 5 % of what is to go`,
  wanted: `maxmemory ${mebibytes(target)}, which could throw it out as a whole`,
  next: 'split or delete it (big_keys of the cache view has its name), set redis.maxMemory to what is in use or more, or redis.evictionGuard: Off where it may go',
});

function whyStopped({ maxMemoryBytes }: ServerObserved, target: number, last: Lowering): Held {
  const { stopped: why, ratio, expected, fellTo, from } = last;
  const percent = (share = 0): string => `${Math.round(share * 100)} %`;
  const onTheWay = `on the way to maxmemory ${mebibytes(target)}`;
  const stays = why === 'HitRatio' ? maxMemoryBytes : Number(from);
  const foreseen = expected === undefined ? '' : `, where ${percent(expected)} was foreseen`;
  return {
    state: 'Held',
    name: 'maxmemory',
    reason: 'LoweringStopped',
    saw:
      why === 'HitRatio'
        ? `the hit ratio fall from ${percent(ratio)} to ${percent(fellTo)}${foreseen} ${onTheWay}`
        : `writes refused for want of memory ${onTheWay}, and took the last step back`,
    wanted:
      why === 'HitRatio'
        ? `to lose no more than five points${expected === undefined ? '' : ' more than was foreseen'}`
        : 'no write to fail',
    next: `set redis.maxMemory to ${stays === 0 ? 'more than is in use' : `the ${mebibytes(stays)} that are in force or more`}, or to another value, with which it begins anew`,
  };
}

function foresightOf(server: ServerObserved, target: number): Foresight | undefined {
  const { sample, keys, usedMemoryBytes: used, startupMemoryBytes: startup, recent } = server;
  if (sample === undefined || sample.state === 'Unknown') return undefined;
  const { ratio, lookupsPerSecond } = recent ?? {};
  const foreseen = foreseenOf(sample, { totalKeys: keys.keys, used, startup, target, ratio }, lookupsPerSecond);
  return foreseen && { ...foreseen, onlyExpiring: sample.onlyExpiring };
}

type Sampled = Exclude<KeySample, { readonly state: 'Unknown' }>;

function foreseenOf(
  sample: Sampled,
  input: Parameters<typeof foreseeAtRandom>[0],
  lookupsPerSecond: number | undefined,
): Foresight | undefined {
  if (sample.state === 'AtRandom') return foreseeAtRandom(input);
  if (sample.state === 'ByExpiry') return foreseeByExpiry({ ...input, keys: sample.keys });
  if (sample.state === 'ByUse') return foreseeByUse({ ...input, keys: sample.keys });
  return foresee({ ...input, keys: sample.keys, lookupsPerSecond });
}

/** What a lower limit throws out and costs; undefined where nothing has to go. */
export function foresightFor(server: ServerObserved, target: number): string | undefined {
  if (!comesDown(server, target) || server.sample === undefined) return undefined;
  if (server.sample.state === 'Unknown')
    return `what maxmemory ${mebibytes(target)} costs is not known: ${server.sample.why}`;
  const foresight = foresightOf(server, target);
  if (foresight === undefined)
    return `what maxmemory ${mebibytes(target)} costs is not known: too few keys${server.sample.onlyExpiring ? ' that expire' : ''}`;
  return foresightText(target, foresight, server.recent?.ratio);
}

/** Whether keys have to go for this limit, and it is below the one in force. 0: no limit. */
export const comesDown = ({ maxMemoryBytes: from, usedMemoryBytes }: Memory, target: number): boolean =>
  target !== 0 && target < usedMemoryBytes && (from === 0 || target < from);

export const isComingDown = (verdict: Verdict): boolean =>
  verdict.state === 'Held'
    ? verdict.reason === 'Lowering'
    : verdict.state === 'Differs' && verdict.lowering !== undefined;

/**
 * How a server is to throw out while its limit comes down, where it would do it otherwise. With a tenacity of 100 one CONFIG SET took half a second;
 * one large key that is freed at once stopped all clients for two and a half.
 */
const gently: readonly (readonly [name: string, gentle: string, isGentle: (value: string) => boolean])[] = [
  ['lazyfree-lazy-eviction', 'yes', (value) => value === 'yes'],
  ['maxmemory-eviction-tenacity', '10', (value) => Number(value) <= 10],
];

export const gentleNames: readonly string[] = gently.map(([name]) => name);

/** What of it is otherwise now. */
export const notGentle = ({ config }: Pick<ServerObserved, 'config'>): readonly Differing[] =>
  gently.flatMap(([name, to, isGentle]) => {
    const from = config.access === 'None' ? undefined : config.values.get(name)?.value;
    return from === undefined || isGentle(from) ? [] : [{ name, from, to }];
  });

/** Whether keys are on their way out: with writes a server hovers at its limit. */
export const isThrowingOut = ({ maxMemoryBytes: limit, usedMemoryBytes: used }: Memory): boolean =>
  limit !== 0 && used > limit * hovering;

/** What these parameters are to be: gentle on the way down, afterwards what they were before, as far as they are still what we set. */
export function gentleValues(
  server: ServerObserved,
  declared: ReadonlyMap<string, string>,
  { memory, comingDown }: { readonly memory: NodeMemory | undefined; readonly comingDown: boolean },
): ReadonlyMap<string, string> {
  const { config } = server;
  if (config.access === 'None') return new Map();
  const isStillEvicting = memory?.lowering !== undefined && isThrowingOut(server);
  const values = gently.flatMap(([name, gentle, isGentle]) => {
    const there = config.values.get(name)?.value;
    if (there === undefined) return [];
    if (comingDown || isStillEvicting) return isGentle(declared.get(name) ?? there) ? [] : [[name, gentle] as const];
    const before = memory?.originals?.[name];
    const isOurs = !declared.has(name) && memory?.applied?.[name] === gentle && there === gentle;
    return isOurs && typeof before === 'string' ? [[name, before] as const] : [];
  });
  return new Map(values);
}

/** Those that are ours no more: they have their old value back, or somebody has set them since. */
export const settledNames = (
  { config }: ServerObserved,
  declared: ReadonlyMap<string, string>,
  { applied = {} }: NodeMemory,
): readonly string[] =>
  gently.flatMap(([name, gentle]) => {
    const there = config.access === 'None' ? undefined : config.values.get(name)?.value;
    const isOurs = declared.has(name) || (applied[name] === gentle && there === gentle);
    return isOurs || applied[name] === undefined ? [] : [name];
  });
