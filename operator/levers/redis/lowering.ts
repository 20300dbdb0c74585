import { foresee, foresightText, type Foresight } from './foresight.ts';
import { ratioOf } from './looks.ts';
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
}

/** Of what is in use: what a step throws out at most. */
const stepShare = 0.05;
/** So long a step is watched: a little less than from one visit to the next. */
const watchMs = 25_000;
/** With writes a server hovers at its limit. */
const hovering = 1.01;
/** So much of the hit ratio the way down may cost more than was foreseen. */
const tolerance = 0.05;

/**
 * maxmemory on its way below what is in use: a step, then a look at what it did, and so on. It stays where it is when the hit ratio is more than five points below what was foreseen for the step (below what it was,
 * where nothing could be), and goes back by a step when a write was refused for want of memory; another target begins anew.
 */
export function lower({ server, role, target, last, now }: LoweringInput): Verdict {
  const { maxMemoryBytes: from, usedMemoryBytes: used, lookups, writesRefused } = server;
  const known = last?.target === String(target) ? last : undefined;
  const to = Math.max(target, Math.floor(used * (1 - stepShare)));
  // A replica throws nothing out, its primary does: it is only kept one step ahead of what it has.
  const isThere = from === 0 || (role === 'Primary' ? used <= from * hovering : to < from);
  if (!isThere || (known !== undefined && now - known.at < watchMs))
    return { ...underWay(target), ...(known && { lowering: known }) };

  const ratio = known === undefined ? server.recent?.ratio : known.ratio;
  const expected = foresightOf(server, to)?.ratio;
  const lowering = {
    target: String(target),
    at: now,
    from: String(from),
    ...lookups,
    writesRefused,
    ...(ratio !== undefined && { ratio }),
    ...(expected !== undefined && { expected }),
  };
  const differs = { state: 'Differs', name: 'maxmemory', from: String(from), to: String(to), lowering } as const;
  return to === target ? differs : { ...differs, underWay: underWay(target) };
}

/** Why the last step was the last; undefined where it did no harm. */
export function stopped({ server, target, last }: Omit<LoweringInput, 'now' | 'role'>): Verdict | undefined {
  if (last?.target !== String(target)) return undefined;
  const stop = reasonToStop(server, last);
  if (stop === undefined) return undefined;
  const held = { ...whyStopped(server, target, stop), lowering: stop };
  const [from, to] = [String(server.maxMemoryBytes), last.from];
  if (stop.stopped !== 'WritesRefused') return from === String(target) ? undefined : held;
  return from === to ? held : { state: 'Differs', name: 'maxmemory', from, to, lowering: stop, underWay: held };
}

function reasonToStop(server: ServerObserved, last: Lowering): Lowering | undefined {
  if (last.stopped !== undefined) return last;
  if (server.writesRefused > last.writesRefused) return { ...last, stopped: 'WritesRefused' };
  const fellTo = ratioOf(server.lookups, last);
  const foreseen = last.expected ?? last.ratio;
  if (fellTo === undefined || foreseen === undefined || fellTo >= foreseen - tolerance) return undefined;
  return { ...last, stopped: 'HitRatio', fellTo };
}

const underWay = (target: number): Held => ({
  state: 'Held',
  name: 'maxmemory',
  reason: 'Lowering',
  saw: `more than ${mebibytes(target)} in use`,
  wanted: `maxmemory ${mebibytes(target)}, for which keys are thrown out`,
  next: 'nothing: at each visit it comes down by 5 % of what is in use, as long as no write is refused and the hit ratio comes as foreseen',
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
  if (sample?.state !== 'Known') return undefined;
  const { ratio, lookupsPerSecond } = recent ?? {};
  return foresee({ keys: sample.keys, totalKeys: keys.keys, used, startup, target, ratio, lookupsPerSecond });
}

/** What a lower limit throws out and costs; undefined where nothing has to go. */
export function foresightFor(server: ServerObserved, target: number): string | undefined {
  if (!comesDown(server, target) || server.sample === undefined) return undefined;
  if (server.sample.state === 'Unknown')
    return `what maxmemory ${mebibytes(target)} costs is not known: ${server.sample.why}`;
  const foresight = foresightOf(server, target);
  if (foresight === undefined) return `what maxmemory ${mebibytes(target)} costs is not known: too few keys`;
  return foresightText(target, foresight, server.recent?.ratio);
}

/** Whether keys have to go for this limit, and it is below the one in force. 0: no limit. */
export const comesDown = (
  { maxMemoryBytes: from, usedMemoryBytes }: Pick<ServerObserved, 'maxMemoryBytes' | 'usedMemoryBytes'>,
  target: number,
): boolean => target !== 0 && target < usedMemoryBytes && (from === 0 || target < from);

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

/** What these parameters are to be: gentle on the way down, afterwards what they were before, as far as they are still what we set. */
export function gentleValues(
  { config, maxMemoryBytes, usedMemoryBytes }: ServerObserved,
  declared: ReadonlyMap<string, string>,
  { memory, comingDown }: { readonly memory: NodeMemory | undefined; readonly comingDown: boolean },
): ReadonlyMap<string, string> {
  if (config.access === 'None') return new Map();
  const isStillEvicting =
    memory?.lowering !== undefined && maxMemoryBytes !== 0 && usedMemoryBytes > maxMemoryBytes * hovering;
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
