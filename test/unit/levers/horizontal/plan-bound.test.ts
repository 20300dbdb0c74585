import { describe, expect, test } from '@jest/globals';
import type { HpaView } from '../../../../operator/levers/horizontal/hpa.ts';
import type { HorizontalUnit } from '../../../../operator/levers/horizontal/plan.ts';
import { unitWith, planned, inForce } from './hpa-units.ts';

describe('what a budget leaves of the replicas', () => {
  const by = 'postgres/main max_connections';
  const bound = (max: number, unit: Partial<HorizontalUnit> = {}) =>
    unitWith({ minReplicas: 3 }, { replicaBound: { max, by }, ...unit });
  const maxOf = (unit: HorizontalUnit, hpas: readonly HpaView[] = []) => {
    const [change] = planned(unit, hpas).changes;
    return change?.kind === 'apply' ? change.spec.maxReplicas : undefined;
  };

  test('is the maximum of the HPA, and status says what bounds it', () => {
    const { status, statusAfter, condition } = planned(bound(8), []);
    expect(maxOf(bound(8))).toBe(8);
    expect([status, statusAfter]).toMatchObject([
      { replicas: { max: 8, boundBy: by } },
      { replicas: { max: 8, boundBy: by } },
    ]);
    expect(condition.message).toContain('keeps 3 to 8 replicas');
  });

  test('is never less than minReplicas, nor more than declared', () => {
    expect(maxOf(bound(1))).toBe(3);
    expect(maxOf(bound(30))).toBe(20);
    expect(planned(bound(30), []).status).not.toHaveProperty('replicas.boundBy');
  });

  test('lowers the floor with it', () => {
    const hpa = inForce(unitWith({ minReplicas: 3 }), { minReplicas: 12 });
    expect(planned(bound(8), [hpa]).changes).toMatchObject([{ spec: { minReplicas: 8, maxReplicas: 8 } }]);
  });

  test('stays as it is until it is known again: a restart opens nothing', () => {
    const unknown = { replicaBound: undefined, holdsReplicas: true, lastBoundBy: by } as const;
    expect(planned(bound(8, unknown), [inForce(bound(8))])).toMatchObject({
      changes: [],
      status: { replicas: { max: 8, boundBy: by } },
    });
    expect(maxOf(bound(8, unknown))).toBe(20); // there is none to keep
    const { lastBoundBy: _, ...never } = unknown;
    expect(maxOf(bound(8, never), [inForce(bound(8))])).toBe(20); // an edit by hand
  });

  test('is what is known of it while not all is, and no more than there is', () => {
    const partly = { holdsReplicas: true, lastBoundBy: by } as const;
    expect(maxOf(bound(6, partly), [inForce(bound(8))])).toBe(6);
    expect(planned(bound(12, partly), [inForce(bound(8))])).toMatchObject({
      changes: [],
      status: { replicas: { max: 8, boundBy: by } },
    });
    expect(maxOf(bound(12, { holdsReplicas: true }))).toBe(12); // a new one
  });
});
