import { describe, expect, test } from '@jest/globals';
import { judgeCacheMemory, judgeServerMemory, type CacheMemory } from '../../../operator/decide/memory-budget.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;

describe('judgeServerMemory()', () => {
  const server = { declaredBytes: gib, limitBytes: 2 * gib, persists: true, loweredTo: undefined };
  test.each([
    { name: 'at 75 % with saving', memory: { ...server, declaredBytes: 1.5 * gib }, fits: true },
    { name: 'a byte above', memory: { ...server, declaredBytes: 1.5 * gib + 1 }, fits: false },
    {
      name: 'at 85 % without',
      memory: { ...server, persists: false, declaredBytes: Math.floor(1.7 * gib) },
      fits: true,
    },
    {
      name: 'a byte above that',
      memory: { ...server, persists: false, declaredBytes: Math.floor(1.7 * gib) + 1 },
      fits: false,
    },
    { name: 'no limit at all', memory: { ...server, declaredBytes: 0 }, fits: false },
  ])('$name fits: $fits', ({ memory, fits }) => expect(judgeServerMemory('cache', memory) === undefined).toBe(fits));

  test('says the arithmetic and what would fit', () => {
    expect(judgeServerMemory('cache', { ...server, limitBytes: gib })).toBe(
      'saw maxmemory 1024Mi for cache; wanted at most 768Mi: 1024Mi of its container − 25 % for the copy that a save makes, buffers and fragmentation; next: declare redis.maxMemory: 768Mi, or raise that limit to 1366Mi',
    );
    expect(judgeServerMemory('cache', { ...server, limitBytes: gib, loweredTo: 768 * mib })).toContain(
      'next: let it be so: budgets.onViolation has lowered it to 768Mi, or declare',
    );
  });
});

describe('judgeCacheMemory()', () => {
  const cache: CacheMemory = {
    component: 'workflow',
    replicas: 20,
    limitBytes: 2 * gib,
    collectAboveBytes: gib,
    entries: 1000,
    entryBytes: mib,
  };
  test.each<[string, Partial<CacheMemory>, number]>([
    ['half of the container', { entries: 1024 }, 0],
    ['one entry more', { entries: 1025 }, 1],
    ['entries of which nobody knows the size', { entries: 10_000_000, entryBytes: undefined }, 0],
    ['garbage that is collected just in time', { collectAboveBytes: 2 * gib - 1 }, 0],
    ['garbage that is not', { collectAboveBytes: 2 * gib }, 1],
    ['both', { entries: 1025, collectAboveBytes: 3 * gib }, 2],
  ])('%s', (_, given, problems) => expect(judgeCacheMemory({ ...cache, ...given })).toHaveLength(problems));

  test('says the arithmetic and what would fit', () => {
    expect(judgeCacheMemory({ ...cache, entries: 4096 })).toEqual([
      'saw 4096Mi that the L1 cache of each Pod of workflow may hold: 4096 entries of about 1024Ki, as they are in Redis; 81920Mi in all 20 replicas; wanted at most 1024Mi: half of the 2048Mi of its container; next: declare runtime.cache.l1.entries: 1024, or raise the memory limit to 8192Mi',
    ]);
    expect(judgeCacheMemory({ ...cache, limitBytes: gib / 2, entries: 1 })).toEqual([
      'saw runtime.memory.collectAbove 1024Mi and a memory limit of 512Mi on the container of workflow; wanted garbage collected before the container is killed; next: declare runtime.memory.collectAbove: 256Mi, or raise the limit',
    ]);
  });
});
