import { describe, expect, test } from '@jest/globals';
import type { HpaView } from '../../../../operator/levers/horizontal/hpa.ts';
import { release } from '../../../../operator/levers/horizontal/hold.ts';
import { plan, type HorizontalUnit } from '../../../../operator/levers/horizontal/plan.ts';
import { foreign, inForce, unitWith } from './hpa-units.ts';

const memory = { originals: { uid: foreign.uid, spec: JSON.stringify(foreign.spec) } };
const adopting = unitWith({}, { adopt: true });
const disabled = { behavior: { scaleDown: { selectPolicy: 'Disabled' } } };
const taken: HpaView = { ...foreign, spec: inForce(adopting).spec };
const held: HpaView = { ...foreign, spec: { ...taken.spec, ...disabled } };
const theirHold: HpaView = { ...held, held: [{ manager: 'kubectl', field: '.spec.behavior.scaleDown.selectPolicy' }] };
const ours: HpaView = { ...inForce(unitWith()), spec: held.spec };

describe('what is held of an HPA that stays when the service goes', () => {
  test.each<{ name: string; hpa: HpaView; unit?: HorizontalUnit; isResizing?: boolean; holds?: true }>([
    { name: 'one that was taken over, while a Pod is resized', hpa: taken, isResizing: true, holds: true },
    { name: 'one that is taken over then', hpa: foreign, unit: adopting, isResizing: true, holds: true },
    { name: 'not before', hpa: taken },
    { name: 'until it is seen to be free again', hpa: held, holds: true },
    { name: 'not where nothing is changed', hpa: taken, unit: unitWith({ mode: 'DryRun' }, { mode: 'DryRun' }), isResizing: true }, // prettier-ignore
    { name: 'not what somebody else holds', hpa: theirHold, unit: unitWith({ mode: 'Off' }) },
    { name: 'not one of ours: it goes with its owner', hpa: ours, isResizing: true },
  ])('$name', ({ hpa, unit = unitWith(), isResizing = false, holds }) => {
    expect(plan({ unit, observed: { hpas: [hpa], isResizing }, memory, now: 0 }).holds).toBe(holds);
  });

  test('is freed with the service, and nothing else of it is changed', () => {
    const changesOf = (hpa: HpaView) =>
      release({ unit: unitWith(), observed: { hpas: [hpa] }, memory, now: 0 }).changes;
    expect(changesOf(held)).toMatchObject([
      { name: 'by-hand', owner: undefined, differences: [{ from: 'Disabled', to: 'Max' }] },
    ]);
    for (const hpa of [taken, theirHold, ours]) expect(changesOf(hpa)).toEqual([]);
  });
});
