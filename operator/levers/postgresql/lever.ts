import type { Lever } from '../lever.ts';
import { apply } from './apply.ts';
import type { PostgresChange } from './changes.ts';
import { connectionsOf } from './connections.ts';
import { withCopies } from './copies.ts';
import { observe, type PostgresDeps, type PostgresObserved } from './observe.ts';
import { plan } from './plan.ts';
import { restore } from './restore.ts';
import { units, type PostgresUnit } from './unit.ts';

export type { PostgresDeps } from './observe.ts';

/** What plans without a server. */
export const postgresqlPlanner = { name: 'postgresql', condition: 'PostgresApplied', plan, restore } satisfies Pick<
  Lever<PostgresUnit, PostgresObserved, PostgresChange>,
  'name' | 'condition' | 'plan' | 'restore'
>;

/** Every declared PostgreSQL has the declared parameters; what somebody changes is put back, what waits for a restart or cannot be set is said. */
export function postgresql(deps: PostgresDeps): Lever<PostgresUnit, PostgresObserved, PostgresChange> {
  return {
    ...postgresqlPlanner,
    units,
    observe: async (unit, signal) => withCopies(await observe(unit, deps, signal), unit, deps, signal),
    serverOf: ({ systemId, address }) => (systemId === null ? [address] : [systemId, address]),
    databaseOf: ({ statistics }) => statistics,
    connectionsOf,
    statementsOf: ({ statements }) => statements,
    apply: (change, unit, signal) => apply(change, unit, deps, signal),
  };
}
