import type { Finding } from '../api/conditions.ts';
import type { Resolved } from '../decide/resolve.ts';
import { severityOf, type LeverCondition } from '../levers/lever.ts';
import type { UnitResult } from '../levers/run.ts';

/** One condition for each that has units, of one lever or of two (parameters and indexes of a PostgreSQL): the worst of its units', with every unit's words that are not merely "applied", those of the worst first. What a lever only says is held back by the service's mode, where that is Paused. */
export function leverConditions(
  results: readonly UnitResult[],
  mode: Resolved['mode'],
): readonly Finding<LeverCondition>[] {
  const byType = Map.groupBy(results, ({ plan }) => plan.lever.condition);
  return [...byType].map(([type, units]) => {
    const worst = units.reduce((worse, next) =>
      severityOf(next.condition) > severityOf(worse.condition) ? next : worse,
    ).condition;
    const telling = units
      .filter(({ condition }) => severityOf(condition) > 0)
      .toSorted((a, b) => severityOf(b.condition) - severityOf(a.condition));
    const isOne = new Set(units.map(({ plan }) => plan.unit.name)).size === 1;
    const said = (telling.length > 0 ? telling : units).map(({ plan, condition }) =>
      isOne ? condition.message : `${plan.unit.name}: ${condition.message}`,
    );
    const reason = worst.reason === 'DryRun' && mode === 'Paused' ? mode : worst.reason;
    return { type, status: worst.status, reason, message: [...new Set(said)].join(' | ') };
  });
}
