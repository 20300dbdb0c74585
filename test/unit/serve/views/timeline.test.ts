import { describe, expect, test } from '@jest/globals';
import type { GenerationService } from '../../../../operator/api/generation-service.ts';
import { createTimeline } from '../../../../operator/serve/views/timeline.ts';
import { now, service } from './view-input.ts';

const at = (minute: number) => `2026-11-25T11:${minute}:00Z`;
const decided = (minute: number, to: number): GenerationService =>
  service({
    status: {
      components: [
        {
          name: 'workflow',
          decision: { action: 'ScaleUp', from: 2, to, reason: 'Load', message: 'why', time: at(minute) },
        },
      ],
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Reconciled',
          message: '',
          lastTransitionTime: at(10),
          observedGeneration: 1,
        },
      ],
    },
  });
const key = 'ai/generation';

describe('createTimeline()', () => {
  test('keeps each decision and each turn of a condition once, with their own times', () => {
    const timeline = createTimeline();
    const [first, second] = [decided(20, 3), decided(30, 4)];
    timeline.note({ after: first }, now);
    timeline.note({ before: first, after: second }, now);
    timeline.note({ before: second, after: second }, now);
    expect(timeline.changesOf(key, 0).map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      'condition: Ready is True (Reconciled)',
      'decision: ScaleUp 2 → 3 (Load): why',
      'decision: ScaleUp 2 → 4 (Load): why',
    ]);
    expect(timeline.changesOf(key, Date.parse(at(20)))).toHaveLength(1);
  });

  test('tells a change of the spec at the time at which it was seen', () => {
    const timeline = createTimeline();
    const before = service();
    const after = service({ metadata: { ...before.metadata, generation: 2 } });
    timeline.note({ before, after }, now);
    expect(timeline.changesOf(key, 0)).toEqual([
      { at: now, kind: 'spec', component: '', text: 'spec changed (generation 2)' },
    ]);
  });

  test('keeps bounds where they change, and says so from the second on', () => {
    const timeline = createTimeline();
    for (const [time, floor] of [
      [1, 2],
      [2, 2],
      [3, 5],
    ] as const)
      timeline.noteBounds(key, 'workflow', { at: time, floor, max: 10 });
    expect(timeline.boundsOf(key, 'workflow').map((bounds) => bounds.at)).toEqual([1, 3]);
    expect(timeline.changesOf(key, 0)).toEqual([
      { at: 3, kind: 'bounds', component: 'workflow', text: 'replicas 2–10 → 5–10' },
    ]);
  });

  test('says oldest first, by when things happened and not by when they were seen', () => {
    const timeline = createTimeline();
    timeline.noteBounds(key, 'workflow', { at: 1, floor: 2, max: 10 });
    timeline.noteBounds(key, 'workflow', { at: Date.parse(at(40)), floor: 5, max: 10 });
    timeline.note({ after: decided(30, 3) }, now);
    expect(timeline.changesOf(key, 0).map(({ kind }) => kind)).toEqual(['condition', 'decision', 'bounds']);
  });

  test('an autoscaler that is gone bounds nothing any more', () => {
    const timeline = createTimeline();
    timeline.noteBounds(key, 'workflow', { at: 1, floor: undefined, max: undefined }); // not seen yet is no change
    timeline.noteBounds(key, 'workflow', { at: 2, floor: 2, max: 10 });
    timeline.noteBounds(key, 'workflow', { at: 3, floor: undefined, max: undefined });
    expect(timeline.boundsOf(key, 'workflow').map((bounds) => bounds.at)).toEqual([2, 3]);
    expect(timeline.changesOf(key, 0)).toMatchObject([{ at: 3, text: 'replicas 2–10 → without an autoscaler' }]);
  });

  test('a service that is gone, or made again under its name, begins anew', () => {
    const timeline = createTimeline();
    const old = decided(20, 3);
    timeline.note({ after: old }, now);
    timeline.noteBounds(key, 'workflow', { at: 1, floor: 2, max: 10 });
    timeline.note({ before: old, after: service({ metadata: { ...old.metadata, uid: 'v' } }) }, now);
    expect([timeline.changesOf(key, 0), timeline.boundsOf(key, 'workflow')]).toEqual([[], []]);
    timeline.note({ after: old }, now);
    timeline.note({ before: old }, now);
    expect(timeline.changesOf(key, 0)).toEqual([]);
  });

  test('keeps the last hundred changes', () => {
    const timeline = createTimeline();
    for (let generation = 2; generation < 203; generation++) {
      const after = service({ metadata: { ...service().metadata, generation } });
      timeline.note({ before: service(), after }, generation);
    }
    expect(timeline.changesOf(key, 0)).toHaveLength(100);
    expect(timeline.changesOf(key, 0).at(-1)?.at).toBe(202);
  });
});
