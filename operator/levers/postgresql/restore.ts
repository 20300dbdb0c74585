import type { LeverPlan, PlanInput, UnitMemory } from '../lever.ts';
import { memoryOf, type PostgresChange, type Write } from './changes.ts';
import type { PostgresObserved } from './observe.ts';
import { againMs, statusOf } from './plan.ts';
import { meansSame, type ServerSetting } from './setting.ts';
import type { PostgresUnit } from './unit.ts';
import { wantedValues } from './wanted.ts';

/** Puts back what we once wrote, as far as it is still what we wrote: what somebody has changed since is theirs. */
export function restore(input: PlanInput<PostgresUnit, PostgresObserved>): LeverPlan<PostgresChange> {
  const { unit, observed } = input;
  const memory = memoryOf(input.memory, observed);
  const writes = memory === undefined ? [] : ours(memory, observed);
  const differences = writes.map(({ name, to, before }) => ({
    field: name,
    ...(before === null ? {} : { from: before }),
    to: to ?? 'what the server has by itself',
  }));
  return {
    changes: writes.length === 0 ? [] : [{ cause: 'Declared', differences, systemId: observed.systemId, writes }],
    condition: { status: 'True', reason: 'Applied', message: `${unit.name} has its own settings back.` },
    status: statusOf(unit, observed, wantedValues(unit.policy, observed)),
    againMs,
  };
}

function ours({ originals = {}, applied = {} }: UnitMemory, { settings }: PostgresObserved): readonly Write[] {
  return Object.entries(originals).flatMap(([name, original]) => {
    const [setting, written] = [settings[name], applied[name]];
    if (setting === undefined || written === undefined || !isStillOurs(setting, written)) return [];
    if (original !== null && meansSame(setting, original, written)) return [];
    return [{ name, to: original, before: written }];
  });
}

/** The file that we write tells, where we may see it; else what is in force, and what is pending is taken for ours. */
function isStillOurs(setting: ServerSetting, written: string): boolean {
  const { inAutoConf, value, isPending } = setting;
  if (inAutoConf !== undefined) return inAutoConf !== null && meansSame(setting, written, inAutoConf);
  return isPending || value === null || meansSame(setting, written, value);
}
