import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import { rfc3339 } from '../../../operator/api/rfc3339.ts';
import type { Resolved } from '../../../operator/decide/resolve.ts';
import { awaitChange } from '../../../operator/kube/loop.ts';
import type { UnitResult } from '../../../operator/levers/run.ts';
import { nextVisit } from '../../../operator/reconcilers/next-visit.ts';

const now = Date.UTC(2026, 0, 1);
const problem = new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' });

/** What a visit left behind, of a service that is not Ready for so long. */
interface Row {
  readonly name: string;
  readonly badForMs?: number;
  readonly kind?: string;
  readonly outcome?: UnitResult['outcome'];
  readonly againMs?: number;
  readonly problem?: Problem;
  readonly expectedMs: number | undefined;
}

describe('nextVisit()', () => {
  test.each<Row>([
    { name: 'waits for the watch where no unit asks for more', expectedMs: undefined },
    { name: 'comes when a unit asks for it', againMs: 30_000, expectedMs: 30_000 },
    { name: 'asks again for a target that no watch tells of', kind: 'Rollout', expectedMs: 30_000 },
    {
      name: 'backs off from a server that is away (400 s / 4)',
      badForMs: 400_000,
      againMs: 15_000,
      problem,
      expectedMs: 100_000,
    },
    {
      name: 'backs off from a server that refuses (400 s / 4)',
      badForMs: 400_000,
      againMs: 30_000,
      outcome: 'refused',
      expectedMs: 100_000,
    },
    {
      name: 'never stays away for more than two minutes',
      badForMs: 4_000_000,
      againMs: 30_000,
      outcome: 'refused',
      expectedMs: 120_000,
    },
    { name: 'does not come later for what is wrong elsewhere', badForMs: 400_000, againMs: 30_000, expectedMs: 30_000 },
  ])('$name', ({ badForMs, kind = 'Deployment', outcome = 'nothing', expectedMs, ...plan }) => {
    const lastTransitionTime = rfc3339(now - (badForMs ?? 0));
    const ready = { type: 'Ready', status: badForMs === undefined ? 'True' : 'False', lastTransitionTime };
    const components = [{ targetRef: { apiVersion: 'apps/v1', kind, name: 'workflow' } }];
    const resolved = { service: { spec: { components }, status: { conditions: [ready] } } } as unknown as Resolved;
    const next = nextVisit(resolved, [{ plan, outcome } as unknown as UnitResult], { now });
    if (expectedMs === undefined) {
      expect(next).toEqual(awaitChange);
      return;
    }
    const delayMs = next.action === 'requeueAfter' ? next.delayMs : Number.NaN;
    expect(delayMs).toBeGreaterThanOrEqual(0.9 * expectedMs);
    expect(delayMs).toBeLessThanOrEqual(1.1 * expectedMs);
  });
});
