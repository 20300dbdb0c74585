import { describe, expect, test } from '@jest/globals';
import { decideLookahead } from '../../../../operator/decide/lookahead/decide.ts';
import { keepLookahead, resumeLookahead } from '../../../../operator/decide/lookahead/kept.ts';
import { learn } from '../../../../operator/decide/lookahead/learn.ts';
import { createLookaheadMemory, type LookaheadMemory } from '../../../../operator/decide/lookahead/memory.ts';
import { keepSlots } from '../../../../operator/decide/lookahead/slots.ts';
import { settings } from './settings.ts';

const sampleOf = (arrived: number, asked: number) => ({
  arrived,
  finished: arrived,
  busySeconds: 6 * arrived,
  waiting: 0,
  ready: asked,
  asked,
  startUpSeconds: 30,
});

/** Two hours of load that swings by half, requests of 6 s. */
function learned(): LookaheadMemory {
  const memory = createLookaheadMemory(settings);
  for (let window = 0; window < 720; window++) {
    const sample = sampleOf(40 + 20 * Math.sin(window / 9), 8);
    learn(memory, sample, decideLookahead(memory, sample, settings), settings);
  }
  return memory;
}
const throughJson = (kept: unknown): unknown => JSON.parse(JSON.stringify(kept));

describe('what Lookahead keeps over a restart', () => {
  test('says the same of the same sample, but for what the load of minutes before says', () => {
    const memory = learned();
    const resumed = resumeLookahead(throughJson(keepLookahead(memory, settings)), settings);
    if (resumed === undefined) throw new Error('it is sound');
    const [before, after] = [memory, resumed].map((each) => decideLookahead(each, sampleOf(45, 8), settings));
    expect(after?.serviceSeconds).toBeCloseTo(before?.serviceSeconds ?? 0, 2);
    expect(after?.chosen.expert).toBe(before?.chosen.expert);
    for (const opinion of before?.opinions.filter(({ expert }) => expert.startsWith('max')) ?? []) {
      const same = after?.opinions.find(({ expert }) => expert === opinion.expert);
      expect(same?.upper).toBeCloseTo(opinion.upper, 0);
      expect(same?.loss).toBeCloseTo(opinion.loss ?? 0, 2);
    }
  });

  test('knows the slots that it has seen', () => {
    const memory = learned();
    keepSlots(
      memory.slotsSeen,
      Array.from({ length: 60 }, () => 2.98),
    );
    const resumed = resumeLookahead(throughJson(keepLookahead(memory, settings)), settings);
    expect(resumed?.slotsSeen).toEqual({ busy: Array.from({ length: 60 }, () => 2.98), slots: 3 });
  });

  test('fits beside everything else of a state: below 8 kB', () => {
    const memory = learned();
    keepSlots(
      memory.slotsSeen,
      Array.from({ length: 100 }, (_, window) => 4 + window / 777),
    );
    expect(JSON.stringify(keepLookahead(memory, settings)).length).toBeLessThan(8_000);
  });

  test('lowers nothing before a whole down window was seen, and then does, without ten minutes more', () => {
    const memory = resumeLookahead(keepLookahead(learned(), settings), settings);
    if (memory === undefined) throw new Error('it is sound');
    const reasons = Array.from({ length: 30 }, () => {
      const sample = sampleOf(0, 16);
      const decision = decideLookahead(memory, sample, settings);
      learn(memory, sample, decision, settings);
      return decision.to < 16;
    });
    expect(reasons.indexOf(true)).toBe(8);
  });

  test.each<{ readonly name: string; readonly arrived: (window: number) => number }>([
    { name: 'since when there is load again after silence', arrived: (window: number) => (window < 150 ? 0 : 40) },
    { name: 'that load has always been there', arrived: () => 40 },
    { name: 'that it was there before the silence', arrived: (window: number) => (window % 24 < 12 ? 0 : 40) },
  ])('knows $name', ({ arrived }) => {
    const memory = createLookaheadMemory(settings);
    for (let window = 0; window < 168; window++) {
      const sample = sampleOf(arrived(window), 8);
      learn(memory, sample, decideLookahead(memory, sample, settings), settings);
    }
    const resumed = resumeLookahead(throughJson(keepLookahead(memory, settings)), settings);
    const windowsOf = ({ window, loadSince = 0 }: LookaheadMemory): number =>
      loadSince > 0 ? window - loadSince : NaN;
    if (resumed === undefined) throw new Error('it is sound');
    expect(windowsOf(resumed)).toBe(windowsOf(memory));
  });

  const sound = keepLookahead(learned(), settings);
  test.each([
    { name: 'nothing', kept: undefined },
    { name: 'a word', kept: 'oops' },
    { name: 'needs that are words', kept: { ...sound, needs: ['a'] } },
    { name: 'an expert missing', kept: { ...sound, experts: { ...sound.experts, level: undefined } } },
    {
      name: 'losses below nothing',
      kept: { ...sound, experts: { ...sound.experts, level: { errors: [], loss: [-1, 1, 1] } } },
    },
    { name: 'slots that are words', kept: { ...sound, slots: ['a'] } },
    { name: 'a service of one figure', kept: { ...sound, service: [1] } },
  ])('is begun anew where there is $name', ({ kept }) => {
    expect(resumeLookahead(kept, settings)).toBeUndefined();
  });
});
