import { judgeTimeouts } from '../decide/timeout-budget.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { hasRuntimeSettings } from '../levers/runtime/lever.ts';
import type { BudgetPart } from './budget-part.ts';

/** Whether each part gives up only after what it waits for. None of them is lowered: which of two is wrong only a person knows. */
export function judgeTimeoutBudgets(resolved: Resolved): BudgetPart {
  const { service, policy } = resolved;
  const judged = resolved.components.map((component) =>
    judgeTimeouts({
      component: component.spec.name,
      policy: { loadBalancer: policy.loadBalancer, postgres: policy.postgres, runtime: component.policy.runtime },
      isBehindNginx: isBehindNginx(resolved, component),
      hasRuntime: component.policy.runtime.mode !== 'Off' && hasRuntimeSettings(resolved, component),
      hasPostgres: (service.spec.postgres ?? []).length > 0,
    }),
  );
  const fits = [...new Set(judged.flatMap((one) => one.fits))];
  return {
    problems: judged.flatMap(({ problems }) =>
      problems.map((message) => ({ reason: 'TimeoutsInverted', message }) as const),
    ),
    fits: fits.length === 0 ? [] : [`The time-outs nest: ${fits.join(', ')}.`],
    bounds: [],
  };
}

/** A stream is not cut while anything comes. */
function isBehindNginx({ service, policy, components }: Resolved, { spec }: ResolvedComponent): boolean {
  const { nginx } = service.spec.loadBalancer ?? {};
  if (nginx === undefined || policy.loadBalancer.mode === 'Off') return false;
  if (nginx.routes === undefined) return components[0]?.spec.name === spec.name;
  return nginx.routes.some(({ component, streaming }) => component === spec.name && streaming !== 'On');
}
