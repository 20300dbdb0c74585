import { LRUCache } from 'lru-cache';
import type { Lever } from '../../lever.ts';
import { createAdvisor } from '../advice/advisor.ts';
import type { PostgresDeps } from '../observe.ts';
import { apply, forget } from './apply.ts';
import { createBuilds } from './builds.ts';
import type { IndexesChange } from './changes.ts';
import { observe, type WantedForm } from './observe.ts';
import { plan } from './plan.ts';
import type { UsedSeen } from './room.ts';
import { createStatementCounting } from './statement-counts.ts';
import { restore } from './restore.ts';
import { createStandbyScans, type IndexesSeen } from './standby-scans.ts';
import { createSurveys } from './survey.ts';
import { units, type IndexesUnit } from './unit.ts';

/** Tables and services come and go: what is forgotten is worked out once more. */
const rememberedForms = 1000;
/** A build that waits for room waits for hours: what is in use is not asked for at each visit. */
const usedForMs = 600_000;

/** What plans without a server. */
export const indexesPlanner = {
  name: 'postgresql-indexes',
  condition: 'PostgresApplied',
  plan,
  restore,
} satisfies Pick<Lever<IndexesUnit, IndexesSeen, IndexesChange>, 'name' | 'condition' | 'plan' | 'restore'>;

/**
 * Every declared index is there and valid, built concurrently, one at a time.
 * A lever of its own beside the parameters of the same servers: those belong to one service, and an index to whoever declares it (decision 0087).
 */
export function postgresqlIndexes(
  deps: PostgresDeps,
  { oldAfterSeconds = 60, countEveryMs }: { readonly oldAfterSeconds?: number; readonly countEveryMs?: number } = {},
): Lever<IndexesUnit, IndexesSeen, IndexesChange> {
  const own = {
    ...deps,
    builds: createBuilds(),
    advisor: createAdvisor(),
    counting: createStatementCounting(countEveryMs),
    surveys: createSurveys(countEveryMs),
    forms: new LRUCache<string, WantedForm>({ max: rememberedForms }),
    holders: new LRUCache<string, true>({ max: rememberedForms }),
    used: new LRUCache<string, UsedSeen>({ max: rememberedForms, ttl: usedForMs }),
    oldAfterSeconds,
  };
  const standbyScans = createStandbyScans(deps, countEveryMs);
  return {
    ...indexesPlanner,
    units,
    observe: async (unit, signal, memory) => standbyScans.added(await observe(unit, own, signal, memory), unit, signal),
    apply: (change, unit, signal) => apply(change, unit, own, signal),
    forget: (service, last, signal) => forget(service, own, last, signal),
  };
}
