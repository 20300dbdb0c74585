import { fragmentationOf } from '../../decide/cache-server.ts';
import { mostMaxMemory, shareOf } from '../../decide/memory-budget.ts';
import { comesDown, lower, stopped, type LoweringInput } from './lowering.ts';
import { mebibytes } from './mebibytes.ts';
import type { RedisObserved, ServerObserved } from './observe.ts';
import type { RedisUnit } from './unit.ts';
import type { Held, Verdict } from './verdict.ts';

export interface EvictionInput {
  readonly policy: Pick<RedisUnit['policy'], 'evictionPolicy' | 'evictionGuard' | 'maxMemoryPercentOfLimit'>;
  /** Bytes, 0: no limit; undefined where it is a share of a memory limit that is not known. */
  readonly maxMemoryBytes: number | undefined;
  /** Whether the server will write its data to disk when the plan is in force. */
  readonly persists: boolean;
  readonly observed: RedisObserved;
  /** The declared eviction policy was in force: what brings it back is no switch. */
  readonly hadPolicy: boolean;
  /** Where the limit may be changed: what the last step of a lowering wrote down. */
  readonly steps: Pick<LoweringInput, 'last' | 'now'> | undefined;
}

/** maxmemory and maxmemory-policy, which go together: a limit without eviction makes writes fail, and eviction of keys without expiry loses what is no cache. */
export function judgeEviction(input: EvictionInput): readonly [policy: Verdict, maxMemory: Verdict] {
  const policy = judgePolicy(input);
  return [policy, judgeMaxMemory(input, policy)];
}

function judgePolicy(input: EvictionInput): Verdict {
  const { evictionPolicy: to, evictionGuard } = input.policy;
  const from = input.observed.server.evictionPolicy;
  const name = 'maxmemory-policy';
  if (from === to) return { state: 'InForce', name, value: to };
  const held = evictionGuard === 'Off' ? undefined : (losesKeys(input) ?? failsWrites(input));
  return held ?? { state: 'Differs', name, from, to };
}

/** It guards the switch alone: with a policy that is in force already whoever writes a key knows that it may go. */
function losesKeys({ policy: { evictionPolicy: to }, observed: { server } }: EvictionInput): Held | undefined {
  const { evictionPolicy: from, keys } = server;
  const { withoutExpiry } = keys;
  if (!to.startsWith('allkeys-') || from.startsWith('allkeys-') || withoutExpiry === 0) return undefined;
  return {
    state: 'Held',
    name: 'maxmemory-policy',
    reason: 'NonExpiringKeys',
    saw: `${coarse(withoutExpiry)} without expiry and maxmemory-policy ${from}`,
    wanted: `${to}, which could delete them: a queue may live there`,
    next: 'declare a volatile-* policy, give the keys an expiry, or set redis.evictionGuard: Off',
  };
}

/** On a server that lives of its evictions: as it is nothing fails, and without them soon every write would. */
function failsWrites(input: EvictionInput): Held | undefined {
  const { server } = input.observed;
  const { evictionPolicy: from } = server;
  const { evictionPolicy: to } = input.policy;
  const limit = limitThen(input);
  if (input.hadPolicy || !isFullWith(server, limit, to) || isFullWith(server, limit, from)) return undefined;
  return {
    state: 'Held',
    name: 'maxmemory-policy',
    reason: 'NothingToEvict',
    saw: `more than ${fullPercent} % of maxmemory ${mebibytes(limit)} in use and maxmemory-policy ${from}`,
    wanted: `${to}, which can evict too little of it: soon every write would fail`,
    next: 'raise redis.maxMemory, delete data, or set redis.evictionGuard: Off',
  };
}

/** Bytes, 0: none. A limit that rises does so before the eviction policy goes, unless its container has no room for that. */
function limitThen(input: EvictionInput): number {
  const { maxMemoryBytes: to, observed } = input;
  return to === undefined || aboveLimit(input, to) !== undefined ? observed.server.maxMemoryBytes : to;
}

/** Of the limit: with more in use a server from which too little can go is as good as full. */
export const fullPercent = 90;

/** Whether writes are soon refused, since this eviction policy finds too little to throw out. */
export function isFullWith(
  server: Pick<ServerObserved, 'usedMemoryBytes' | 'keys'>,
  limit: number,
  evictionPolicy: string,
  percent = fullPercent,
): boolean {
  const { usedMemoryBytes: used } = server;
  return limit !== 0 && used - (limit * percent) / 100 > used * evictableShare(evictionPolicy, server);
}

function judgeMaxMemory(input: EvictionInput, policy: Verdict): Verdict {
  const { policy: declared, maxMemoryBytes: to, observed, steps } = input;
  const name = 'maxmemory';
  if (to === undefined) return limitUnknown(input);
  const { server, role } = observed;
  const held =
    aboveLimit(input, to) ?? (steps && stopped({ ...steps, server, target: to })) ?? belowNeed(input, to, policy);
  if (held !== undefined) return held;
  const from = server.maxMemoryBytes;
  if (from === to) return { state: 'InForce', name, value: String(to) };
  const isGuarded = declared.evictionGuard !== 'Off';
  if (steps !== undefined && comesDown(server, to)) return lower({ ...steps, server, role, target: to, isGuarded });
  return { state: 'Differs', name, from: String(from), to: String(to) };
}

const limitUnknown = ({ policy }: EvictionInput): Held =>
  outOfBounds({
    saw: 'no memory limit of the server’s container',
    wanted: `${policy.maxMemoryPercentOfLimit} % of it as maxmemory`,
    next: 'name the workload in spec.redis[].workloadRef and give its container a memory limit, or set redis.maxMemory',
  });

function aboveLimit(input: EvictionInput, to: number): Held | undefined {
  const { persists, observed } = input;
  const { memoryLimitBytes } = observed;
  if (memoryLimitBytes === undefined) return undefined;
  const most = mostMaxMemory(memoryLimitBytes, persists);
  if (to !== 0 && to <= most) return aboveRoom(input, to);
  return outOfBounds({
    saw: `a memory limit of ${mebibytes(memoryLimitBytes)} on the server’s container`,
    wanted: `maxmemory ${to === 0 ? 'without limit' : mebibytes(to)}, which leaves less than ${Math.round(100 - shareOf(persists) * 100)} % for ${persists ? 'saving, buffers' : 'buffers'} and fragmentation`,
    next: `set redis.maxMemory to at most ${mebibytes(most)}, or raise the container's limit${persists ? ', or switch saving off (save: "")' : ''}`,
  });
}

/** The rule is for servers of which nothing is known yet: one that was seen to take more of the machine than it leaves room for is raised no further than it has room. */
function aboveRoom(
  { persists, observed: { server, memoryLimitBytes = 0 } }: EvictionInput,
  to: number,
): Held | undefined {
  const fragmentation = fragmentationOf(server.memory);
  const from = server.maxMemoryBytes;
  if (fragmentation === undefined || from === 0 || to <= from) return undefined;
  const times = Math.max(1, Math.ceil(fragmentation * 10) / 10); // a message must not move with each write
  const copied = persists && server.memory.copiedBytes > 0 ? 2 ** Math.ceil(Math.log2(server.memory.copiedBytes)) : 0;
  const most = Math.floor((memoryLimitBytes - copied) / times);
  if (to <= most) return undefined;
  const andCopied = copied === 0 ? '' : `, and up to ${mebibytes(copied)} copied by its last save`;
  return outOfBounds({
    saw: `up to ${times} times of what is in use taken of the machine${andCopied}, with a memory limit of ${mebibytes(memoryLimitBytes)} on the server’s container`,
    wanted: `maxmemory ${mebibytes(to)}, for which there is no such room`,
    next: `set redis.maxMemory to at most ${mebibytes(most)}, raise the container's limit, or let it defragment (activedefrag: "yes" where the server takes it, or a restart)`,
  });
}

function belowNeed({ observed: { server } }: EvictionInput, to: number, policy: Verdict): Held | undefined {
  if (to === 0) return undefined;
  const from = server.maxMemoryBytes;
  const isLower = from === 0 || to < from;
  if (isLower && policy.state === 'Held') {
    return {
      ...policy,
      name: 'maxmemory',
      wanted: `maxmemory ${mebibytes(to)}, which waits for the eviction policy that it is declared with`,
    };
  }
  if (to <= server.startupMemoryBytes) {
    return outOfBounds({
      saw: `a server that uses ${mebibytes(server.startupMemoryBytes)} when it is empty`,
      wanted: `maxmemory ${mebibytes(to)}, with which every write fails`,
      next: 'raise redis.maxMemory',
    });
  }
  const policyThen = policy.state === 'Differs' ? policy.to : server.evictionPolicy;
  return isLower ? writesWouldFail(server, to, policyThen) : undefined;
}

/** Why this limit may not be set with this eviction policy: it is below what is in use, and nothing may be evicted. */
export function writesWouldFail(
  server: ServerObserved,
  maxMemoryBytes: number,
  evictionPolicy: string,
): Held | undefined {
  const { usedMemoryBytes: used } = server;
  if (maxMemoryBytes === 0 || used - maxMemoryBytes <= used * evictableShare(evictionPolicy, server)) return undefined;
  return {
    state: 'Held',
    name: 'maxmemory',
    reason: 'NothingToEvict',
    saw: `more than ${mebibytes(maxMemoryBytes)} in use and an eviction policy (${evictionPolicy}) that can evict too little of it`,
    wanted: `maxmemory ${mebibytes(maxMemoryBytes)}, with which every write fails`,
    next: 'raise redis.maxMemory, delete data, or declare an eviction policy that can make room',
  };
}

/** Of what is in use: what may go, keys being of one size. */
function evictableShare(policy: string, { keys: { keys, withoutExpiry } }: Pick<ServerObserved, 'keys'>): number {
  if (policy.startsWith('volatile-')) return keys === 0 ? 0 : (keys - withoutExpiry) / keys;
  return policy === 'noeviction' ? 0 : 1;
}

const outOfBounds = (text: Pick<Held, 'saw' | 'wanted' | 'next'>): Held => ({
  state: 'Held',
  name: 'maxmemory',
  reason: 'OutOfBounds',
  ...text,
});

/** A message must not move with each write: only with each power of ten. */
const coarse = (keys: number): string =>
  keys < 10 ? 'some keys' : `at least ${10 ** Math.floor(Math.log10(keys))} keys`;
