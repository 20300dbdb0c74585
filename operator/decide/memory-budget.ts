import { problemMessage } from '../api/problem.ts';

/** What of a container's memory the data of a Redis may take: the rest is for the copy-on-write of a save, buffers and fragmentation. */
const shareWithSave = 0.75;
const shareWithoutSave = 0.85;

export const shareOf = (persists: boolean): number => (persists ? shareWithSave : shareWithoutSave);

/** maxmemory at most, in bytes. */
export const mostMaxMemory = (limitBytes: number, persists: boolean): number =>
  Math.floor(limitBytes * shareOf(persists));

/** A Redis in a container with a memory limit. */
export interface ServerMemory {
  readonly declaredBytes: number;
  readonly limitBytes: number;
  /** It writes its data to disk. */
  readonly persists: boolean;
  /** What is set instead; undefined: the declared figure, or nothing. */
  readonly loweredTo: number | undefined;
}

/** @returns Why it does not fit, with what would; undefined: it does. */
export function judgeServerMemory(name: string, memory: ServerMemory): string | undefined {
  const { declaredBytes, limitBytes, persists, loweredTo } = memory;
  const most = mostMaxMemory(limitBytes, persists);
  if (declaredBytes !== 0 && declaredBytes <= most) return undefined;
  const kept = Math.round((1 - shareOf(persists)) * 100);
  const lowered =
    loweredTo === undefined ? [] : [`let it be so: budgets.onViolation has lowered it to ${mi(loweredTo)}`];
  const enough = declaredBytes === 0 ? '' : `, or raise that limit to ${least(declaredBytes / shareOf(persists))}`;
  return problemMessage({
    saw: `maxmemory ${declaredBytes === 0 ? 'without limit' : mi(declaredBytes)} for ${name}`,
    wanted: `at most ${mi(most)}: ${mi(limitBytes)} of its container − ${kept} % for ${persists ? 'the copy that a save makes, buffers' : 'buffers'} and fragmentation`,
    next: [...lowered, `declare redis.maxMemory: ${mi(most)}${enough}`].join(', or '),
  });
}

/** The Pods of a component, each with a cache of its own in its memory. */
export interface CacheMemory {
  readonly component: string;
  readonly replicas: number;
  /** Of each container. */
  readonly limitBytes: number;
  /** runtime.memory.collectAbove */
  readonly collectAboveBytes: number;
  /** runtime.cache.l1.entries */
  readonly entries: number;
  /** What an entry takes in Redis, from where it comes; undefined: too few are known there. */
  readonly entryBytes: number | undefined;
}

/** What of a container the cache in its memory may take: the rest is the process, its requests and what is not collected yet. */
const cacheShare = 0.5;

/** @returns Each thing that does not fit, with what would. */
export const judgeCacheMemory = (memory: CacheMemory): readonly string[] => [
  ...collectsTooLate(memory),
  ...holdsTooMuch(memory),
];

function collectsTooLate({ component, limitBytes, collectAboveBytes }: CacheMemory): readonly string[] {
  if (collectAboveBytes < limitBytes) return [];
  return [
    problemMessage({
      saw: `runtime.memory.collectAbove ${mi(collectAboveBytes)} and a memory limit of ${mi(limitBytes)} on the container of ${component}`,
      wanted: 'garbage collected before the container is killed',
      next: `declare runtime.memory.collectAbove: ${mi(limitBytes / 2)}, or raise the limit`,
    }),
  ];
}

function holdsTooMuch({ component, replicas, limitBytes, entries, entryBytes }: CacheMemory): readonly string[] {
  if (entryBytes === undefined) return [];
  const each = entries * entryBytes;
  const most = Math.floor(limitBytes * cacheShare);
  if (each <= most) return [];
  const fitting = Math.floor(most / entryBytes);
  return [
    problemMessage({
      saw: `${mi(each)} that the L1 cache of each Pod of ${component} may hold: ${entries} entries of about ${kiB(entryBytes)}, as they are in Redis; ${mi(each * replicas)} in all ${replicas} replicas`,
      wanted: `at most ${mi(most)}: half of the ${mi(limitBytes)} of its container`,
      next: `declare runtime.cache.l1.entries: ${fitting}, or raise the memory limit to ${least(each / cacheShare)}`,
    }),
  ];
}

const mi = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)}Mi`;
/** Rounded up: what is enough. */
const least = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)}Mi`;
const kiB = (bytes: number): string => `${Math.round(bytes / 1024)}Ki`;
