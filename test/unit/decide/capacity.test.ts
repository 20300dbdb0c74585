import { describe, expect, test } from '@jest/globals';
import { capacityMessage, type FullComponent, type Missed } from '../../../operator/decide/capacity.ts';

const slow: Missed = { name: 'WorkflowDuration', target: '30s', component: 'workflow' };
const bounded: FullComponent = {
  component: 'workflow',
  replicas: 20,
  wanted: 26,
  by: { bound: 'horizontal.maxReplicas' },
};

describe('capacityMessage()', () => {
  test('has what is missed, the replicas that there are and would be, what bounds them, and what to do', () => {
    expect(capacityMessage([slow], [bounded])).toBe(
      'saw not met: WorkflowDuration (30s); workflow has 20 replicas, of 26 that its scaler would have, all that horizontal.maxReplicas allows; wanted every required objective met; next: raise the bound, make replicas faster (runtime.pools, resources), or lower the load; genops explain has what the scaler would have',
    );
  });

  test.each<{ name: string; missed: readonly Missed[]; full: readonly FullComponent[]; says: RegExp | undefined }>([
    { name: 'nothing where there may be more replicas', missed: [slow], full: [], says: undefined },
    {
      name: 'nothing of another component than that which is slow',
      missed: [slow],
      full: [{ ...bounded, component: 'other' }],
      says: undefined,
    },
    {
      name: 'nothing where replicas do not help',
      missed: [
        { ...slow, name: 'Memory' },
        { ...slow, name: 'CacheHitRatio' },
      ],
      full: [bounded],
      says: undefined,
    },
    {
      name: 'every full component, of what is missed by the service as a whole',
      missed: [{ name: 'ConcurrentWorkflows', target: '20', component: undefined }],
      full: [
        bounded,
        { ...bounded, component: 'other', replicas: 3, wanted: undefined, by: { bound: 'postgres/main' } },
      ],
      says: /workflow has 20 .*; other has 3 replicas, all that postgres\/main allows; wanted/,
    },
    {
      name: 'that more bring nothing, and where to look',
      missed: [slow],
      full: [{ ...bounded, by: 'Saturated' }],
      says: /; more replicas of workflow than its 20 bring hardly anything; .*next: look behind the Pods/,
    },
  ])('says $name', ({ missed, full, says }) => {
    const message = capacityMessage(missed, full);
    if (says === undefined) expect(message).toBeUndefined();
    else expect(message).toMatch(says);
  });
});
