import type { Problem } from '../api/problem.ts';
import type { Kube } from '../kube/client.ts';
import { apply, type UnitPlan } from '../levers/run.ts';

/** The same API server, which answers to what is written as ever (rights, admission, field managers) and stores nothing of it. A deletion is not asked for. */
export const dryRun = (kube: Kube): Kube => ({
  ...kube,
  create: (of, object, how, signal) => kube.create(of, object, { ...how, dryRun: true }, signal),
  update: (of, object, how, signal) => kube.update(of, object, { ...how, dryRun: true }, signal),
  apply: (of, object, how, signal) => kube.apply(of, object, { ...how, dryRun: true }, signal),
  patch: (of, key, operations, how, signal) => kube.patch(of, key, operations, { ...how, dryRun: true }, signal),
  delete: () => Promise.resolve(),
});

interface Tried {
  readonly plan: UnitPlan;
  /** Why nobody knows whether it would be taken: the user may not even try. */
  readonly untried?: Problem;
}

/**
 * A plan with what the API server has against it, as its lever tells it. For a lever that writes through `dryRun`; one with servers of its own (Redis) is left alone.
 * `mustBeAllowed`: with the operator's own rights what is forbidden is an answer too.
 */
export async function tried(
  plan: UnitPlan,
  { mustBeAllowed }: { readonly mustBeAllowed: boolean },
  signal: AbortSignal,
): Promise<Tried> {
  if (plan.lever.serverOf !== undefined) return { plan };
  const [made] = await apply([plan], () => true, signal);
  if (made?.outcome !== 'failed') return { plan };
  const { problem } = made.plan;
  if (problem?.reason === 'PermissionDenied' && !mustBeAllowed) return { plan, untried: problem };
  return { plan: { ...made.plan, condition: made.condition } };
}
