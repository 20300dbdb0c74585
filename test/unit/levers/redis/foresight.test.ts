import { describe, expect, test } from '@jest/globals';
import {
  foresee,
  foreseeAtRandom,
  foreseeByExpiry,
  foreseeByUse,
  foresightText,
  type ForesightInput,
} from '../../../../operator/levers/redis/foresight.ts';

/** The same numbers each time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** An LRU cache of so many keys, asked so many times a second for keys by Zipf's law or for new ones; a Map keeps the order of use. */
function simulate({
  capacity,
  seconds,
  exponent,
  fresh,
  seed = 1,
}: {
  capacity: number;
  seconds: number;
  exponent: number;
  fresh: number;
  seed?: number;
}) {
  const random = generator(seed);
  const perSecond = 50;
  const weights = Array.from({ length: 4_000 }, (_, rank) => 1 / (rank + 1) ** exponent);
  const cumulated: number[] = [];
  weights.reduce((sum, weight) => (cumulated.push(sum + weight), sum + weight), 0);
  const total = cumulated.at(-1) ?? 1;
  const pick = (): string => {
    if (random() < fresh) return `new:${random()}`;
    const wanted = random() * total;
    let [low, high] = [0, cumulated.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulated[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return `key:${low}`;
  };
  const cache = new Map<string, number>();
  let [hits, asked] = [0, 0];
  for (let request = 0; request < seconds * perSecond; request += 1) {
    const now = request / perSecond;
    const key = pick();
    if (now > seconds / 2) [hits, asked] = [hits + Number(cache.has(key)), asked + 1];
    cache.delete(key);
    cache.set(key, now);
    if (cache.size > capacity) cache.delete(cache.keys().next().value ?? '');
  }
  const keys = [...cache.values()].map((at) => ({ bytes: 100, idleSeconds: Math.floor(seconds - at) }));
  return { keys, ratio: hits / asked, lookupsPerSecond: perSecond };
}

const sampled = (keys: ForesightInput['keys'], count: number, random = generator(7)) =>
  keys
    .map((key) => ({ key, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ key }) => key);

describe('foresee()', () => {
  test.each([
    { name: 'steady use by Zipf’s law', exponent: 0.8, fresh: 0, share: 0.75 },
    { name: 'the same, half of it', exponent: 0.8, fresh: 0, share: 0.5 },
    { name: 'a few keys that are used most', exponent: 1.2, fresh: 0, share: 0.5 },
    {
      name: 'a fifth of what is asked for is new each time, and never asked for again',
      exponent: 0.9,
      fresh: 0.2,
      share: 0.5,
    },
    { name: 'deep down', exponent: 0.9, fresh: 0.1, share: 0.25 },
  ])('is within five points of what an LRU cache then does: $name to $share', ({ exponent, fresh, share }) => {
    const before = simulate({ capacity: 3_000, seconds: 1_500, exponent, fresh });
    const keys = sampled(before.keys, 1_000);
    const size = before.keys.length;
    const foreseen = foresee({
      ...before,
      keys,
      totalKeys: size,
      used: size * 100,
      startup: 0,
      target: size * 100 * share,
    });
    const after = simulate({ capacity: size * share, seconds: 1_500, exponent, fresh, seed: 2 });
    expect(Math.abs((foreseen?.ratio ?? 0) - after.ratio)).toBeLessThan(0.05);
    expect(foreseen?.keyShare).toBeCloseTo(1 - share, 1);
  });

  const keys = Array.from({ length: 100 }, (_, index) => ({ bytes: 100, idleSeconds: index }));
  const input = { keys, totalKeys: 1_000, used: 110, startup: 10, target: 60, ratio: 0.9, lookupsPerSecond: 100 };
  test.each([
    {
      name: 'half of the data beyond what the empty server uses is half of the keys, the older ones',
      some: {},
      expected: { keyShare: 0.5, idleSeconds: 50 },
    },
    {
      name: 'without look-ups the ratio is not known',
      some: { ratio: undefined },
      expected: { keyShare: 0.5, ratio: undefined },
    },
    {
      name: 'one large old key may be all that has to go',
      some: { keys: [...keys, { bytes: 1_000_000, idleSeconds: 500 }] },
      expected: { keyShare: 1 / 101, idleSeconds: 500 },
    },
  ])('$name', ({ some, expected }) => expect(foresee({ ...input, ...some })).toMatchObject(expected));
  test('keys of which as many reach one age as the next are never asked for again: hardly anything is lost', () => {
    expect(foresee(input)?.ratio).toBeCloseTo(0.9, 1);
    const young = keys.map((key, index) => ({ ...key, idleSeconds: index < 90 ? index % 3 : index }));
    expect(foresee({ ...input, keys: young, target: 80 })?.ratio).toBeLessThan(0.9);
  });
  test('nothing is lost of keys that were all used last in one second, though the clock went on while they were asked', () => {
    const asked = Array.from({ length: 1_000 }, (_, index) => ({
      bytes: 100,
      idleSeconds: index < 400 ? 0 : index < 940 ? 6 : 7,
    }));
    const used = { keys: asked, totalKeys: 20_000, used: 110, target: 105, ratio: 1, lookupsPerSecond: 8_000 };
    expect(foresee({ ...input, ...used })).toMatchObject({ idleSeconds: 7, ratio: 1 });
  });
  test('where only keys with an expiry go, it is among these alone: old ones without stay, and are no part of what is lost', () => {
    const before = simulate({ capacity: 3_000, seconds: 1_500, exponent: 0.8, fresh: 0 });
    const expiring = before.keys.length;
    const staying = Array.from({ length: expiring }, () => ({ bytes: 100, idleSeconds: 5_000, stays: true as const }));
    const all = { totalKeys: 2 * expiring, used: 2 * expiring * 100, startup: 0, target: 1.5 * expiring * 100 };
    const foreseen = foresee({ ...before, ...all, keys: sampled([...before.keys, ...staying], 1_000) });
    const after = simulate({ capacity: expiring * 0.5, seconds: 1_500, exponent: 0.8, fresh: 0, seed: 2 });
    expect(Math.abs((foreseen?.ratio ?? 0) - after.ratio)).toBeLessThan(0.05);
    expect(foreseen?.keyShare).toBeCloseTo(0.25, 1);
    expect(foreseen?.idleSeconds).toBeLessThan(1_000);
    expect(foresee({ ...before, ...all, keys: [...before.keys.slice(0, 49), ...staying] })).toBeUndefined();
  });
  test('too few keys say nothing', () => expect(foresee({ ...input, keys: keys.slice(0, 49) })).toBeUndefined());
});

describe('foreseeAtRandom()', () => {
  const input = { totalKeys: 1_000, used: 110, startup: 10, target: 60, ratio: 0.9 };
  test.each([
    {
      name: 'half of the data is half of the keys and half of the hits',
      some: {},
      expected: { keyShare: 0.5, ratio: 0.45 },
    },
    {
      name: 'without look-ups the ratio is not known',
      some: { ratio: undefined },
      expected: { keyShare: 0.5, ratio: undefined },
    },
    { name: 'too few keys say nothing', some: { totalKeys: 49 }, expected: undefined },
  ])('$name', ({ some, expected }) => expect(foreseeAtRandom({ ...input, ...some })).toEqual(expected));
});

describe('foresightText()', () => {
  const foreseen = { keyShare: 0.41, idleSeconds: 7_300, ratio: 0.884 };
  test.each([
    {
      foreseen,
      now: 0.93,
      text: 'at maxmemory 600Mi about 45 % of the keys would go, those that were not used for 2 h or more; the hit ratio would come from 93 % to about 88 %',
    },
    {
      foreseen: { keyShare: 0.41, ratio: 0.5, onlyExpiring: true },
      now: 0.93,
      text: 'at maxmemory 600Mi about 45 % of the keys would go, any of those with an expiry; the hit ratio would come from 93 % to about 50 %',
    },
    {
      foreseen: { ...foreseen, onlyExpiring: true },
      now: 0.93,
      text: 'at maxmemory 600Mi about 45 % of the keys would go, those with an expiry that were not used for 2 h or more; the hit ratio would come from 93 % to about 88 %',
    },
    {
      foreseen: { ...foreseen, idleSeconds: 90, ratio: undefined },
      now: undefined,
      text: 'at maxmemory 600Mi about 45 % of the keys would go, those that were not used for 90 s or more; what that costs of the hit ratio is not known: too few look-ups',
    },
  ])('$text', ({ foreseen: what, now, text }) => expect(foresightText(600 * 2 ** 20, what, now)).toBe(text));
});

const half = { totalKeys: 1_000, used: 110, startup: 10, target: 60, ratio: 0.9 };

describe('foreseeByExpiry()', () => {
  const keysWith = (idleOf: (index: number) => number, count = 100) =>
    Array.from({ length: count }, (_, index) => ({ bytes: 100, leftMs: index * 1_000, idleSeconds: idleOf(index) }));
  test.each([
    {
      name: 'all hits are lost with what expires first, if that alone is used',
      idleOf: (i: number) => (i < 50 ? 0 : 99),
      ratio: 0,
    },
    { name: 'none if it is not', idleOf: (i: number) => (i < 50 ? 99 : 0), ratio: 0.9 },
    {
      name: 'half of them where use does not go by expiry',
      idleOf: (i: number) => (i % 2 === 0 ? 0 : 99),
      ratio: 0.45,
    },
  ])('$name', ({ idleOf, ratio }) => {
    const foreseen = foreseeByExpiry({ ...half, keys: keysWith(idleOf) });
    expect(foreseen).toEqual({ keyShare: 0.5, least: 'TimeLeft', ratio: expect.closeTo(ratio) });
  });
  test('keys without an expiry stay, with the hits that are theirs', () => {
    const staying = keysWith(() => 0).map(({ leftMs: _, ...key }) => ({ ...key, stays: true as const }));
    const keys = [...staying, ...keysWith(() => 0)];
    expect(foreseeByExpiry({ ...half, keys })).toMatchObject({ keyShare: 0.5, ratio: expect.closeTo(0.45) });
    expect(foreseeByExpiry({ ...half, keys: [...staying, ...keysWith(() => 0, 49)] })).toBeUndefined();
  });
  test('without a ratio there is none to come', () => {
    expect(foreseeByExpiry({ ...half, ratio: undefined, keys: keysWith(() => 0) })?.ratio).toBeUndefined();
  });
});

describe('foreseeByUse()', () => {
  const keysWith = (counterOf: (index: number) => number) =>
    Array.from({ length: 100 }, (_, index) => ({ bytes: 100, counter: counterOf(index) }));
  test.each([
    { name: 'nothing is lost with what has faded', counterOf: (i: number) => (i < 50 ? 4 : 20), ratio: 0.9 },
    {
      name: 'what is new is used once where a counter of 6 is eleven times',
      counterOf: (i: number) => (i < 50 ? 5 : 6),
      ratio: 0.9 * (11 / 12),
    },
    { name: 'half where all are used alike', counterOf: () => 30, ratio: 0.45 },
    { name: 'nobody knows where all have faded', counterOf: () => 0, ratio: undefined },
  ])('$name', ({ counterOf, ratio }) => {
    const foreseen = foreseeByUse({ ...half, keys: keysWith(counterOf) });
    expect(foreseen).toEqual({
      keyShare: 0.5,
      least: 'Use',
      ratio: ratio === undefined ? undefined : expect.closeTo(ratio),
    });
  });
});

test.each([
  ['those that expire first', { least: 'TimeLeft', onlyExpiring: true }],
  ['those that are used least often', { least: 'Use', onlyExpiring: false }],
  ['those with an expiry that are used least often', { least: 'Use', onlyExpiring: true }],
] as const)('who is asked is told that %s would go', (which, some) => {
  expect(foresightText(2 ** 20, { keyShare: 0.5, ratio: 0.8, ...some }, 0.9)).toBe(
    `at maxmemory 1.0Mi about 50 % of the keys would go, ${which}; the hit ratio would come from 90 % to about 80 %`,
  );
});
