import { describe, expect, test } from '@jest/globals';
import { unitWith, planned, inForce, cpu, foreign } from './hpa-units.ts';

describe('the floor that the scaler moves', () => {
  const moves = (from: number, to: number) => [{ field: 'spec.minReplicas', from: String(from), to: String(to) }];
  test.each([
    { name: 'follows a raised minReplicas', horizontal: { minReplicas: 5 }, floor: 2, expected: moves(2, 5) },
    {
      name: 'comes down to minReplicas where no load holds it',
      horizontal: { metrics: [cpu] },
      floor: 9,
      expected: moves(9, 2),
    },
    { name: 'stays where load may have put it', horizontal: {}, floor: 9, expected: [] },
    {
      name: 'follows once the maximum allows it',
      horizontal: { minReplicas: 30, maxReplicas: 40 },
      floor: 2,
      expected: moves(2, 30),
    },
    {
      name: 'is not told twice where the maximum takes it down',
      horizontal: { maxReplicas: 5 },
      floor: 9,
      expected: [],
    },
  ])('$name', ({ horizontal, floor, expected }) => {
    const before = inForce(unitWith({ metrics: [cpu] }), { minReplicas: floor });
    expect(planned(unitWith(horizontal), [before]).follows).toEqual(expected);
  });
  test('is right from the start in an HPA that is made', () => {
    expect(planned(unitWith({ minReplicas: 5 }), []).follows).toEqual([]);
  });
  test('follows in an HPA that is taken over', () => {
    const unit = unitWith({ minReplicas: 2 }, { adopt: true });
    expect(planned(unit, [foreign]).follows).toEqual(moves(1, 2));
  });
  test('is raised with FloorOnly, never below what its owner wrote, and up to the maximum that its owner set', () => {
    const floorOnly = (minReplicas: number) => unitWith({ mode: 'FloorOnly', metrics: [cpu], minReplicas });
    const owners = { ...foreign, spec: { ...foreign.spec, minReplicas: 2 } };
    expect(planned(floorOnly(5), [owners]).follows).toEqual(moves(2, 3));
    expect(planned(floorOnly(1), [owners]).follows).toEqual([]);
  });
  test('is not ours to move where somebody else has set it, unless the user gave us the HPA: the plan says who has it', () => {
    const held = [{ manager: 'kubectl-edit', field: '.spec.minReplicas' }];
    const own = { ...inForce(unitWith({ metrics: [cpu] }), { minReplicas: 2 }), held };
    const unit = unitWith({ metrics: [cpu], minReplicas: 5 });
    expect(planned(unit, [own])).toMatchObject({
      follows: moves(2, 5),
      refusal: {
        reason: 'Conflict',
        message: expect.stringMatching(/: \.spec\.minReplicas \(kubectl-edit\); .*--field-manager=genops-scaler/),
      },
    });
    expect(planned(unitWith({ metrics: [cpu] }), [own])).not.toHaveProperty('refusal');
    const lent = unitWith({ mode: 'FloorOnly', metrics: [cpu], minReplicas: 5 });
    expect(planned(lent, [{ ...foreign, held }])).not.toHaveProperty('refusal');
    expect(planned({ ...unit, adopt: true }, [{ ...foreign, held }])).not.toHaveProperty('refusal');
  });
  test('is nobody’s to move in an HPA of somebody else', () => {
    expect(planned(unitWith({ minReplicas: 5 }), [foreign]).follows).toBeUndefined();
  });
  test('moves by load where a metric is folded into it: that cannot be foreseen', () => {
    const unforeseen = 'spec.minReplicas moved by load (requests_per_second): not shown here';
    expect(planned(unitWith(), [])).toMatchObject({ unforeseen });
    expect(planned(unitWith({ mode: 'FloorOnly' }), [foreign])).toMatchObject({ unforeseen });
    expect(planned(unitWith({}, { podsMetrics: 'MetricsAPI' }), []).unforeseen).toBeUndefined();
  });
});
