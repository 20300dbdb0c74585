import { LRUCache } from 'lru-cache';
import type { Lever } from '../../lever.ts';
import type { PostgresDeps } from '../observe.ts';
import { apply, forget } from './apply.ts';
import { createBuilds } from './builds.ts';
import type { IndexesChange } from './changes.ts';
import { observe, type IndexesObserved, type WantedForm } from './observe.ts';
import { plan } from './plan.ts';
import { restore } from './restore.ts';
import { units, type IndexesUnit } from './unit.ts';

/** Tables and services come and go: what is forgotten is worked out once more. */
const rememberedForms = 1000;

/** What plans without a server. */
export const indexesPlanner = {
  name: 'postgresql-indexes',
  condition: 'PostgresApplied',
  plan,
  restore,
} satisfies Pick<Lever<IndexesUnit, IndexesObserved, IndexesChange>, 'name' | 'condition' | 'plan' | 'restore'>;

/**
 * Every declared index is there and valid, built concurrently, one at a time.
 * A lever of its own beside the parameters of the same servers: those belong to one service, and an index to whoever declares it (decision 0087).
 */
export function postgresqlIndexes(
  deps: PostgresDeps,
  { oldAfterSeconds = 60 }: { readonly oldAfterSeconds?: number } = {},
): Lever<IndexesUnit, IndexesObserved, IndexesChange> {
  const own = {
    ...deps,
    builds: createBuilds(),
    forms: new LRUCache<string, WantedForm>({ max: rememberedForms }),
    oldAfterSeconds,
  };
  return {
    ...indexesPlanner,
    units,
    observe: (unit, signal) => observe(unit, own, signal),
    apply: (change, unit, signal) => apply(change, unit, own, signal),
    forget: (service, signal) => forget(service, own, signal),
  };
}
