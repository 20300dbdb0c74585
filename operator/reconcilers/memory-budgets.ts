import { bytes } from '../api/quantity.ts';
import type { CacheServerFigures } from '../decide/cache-server.ts';
import { judgeCacheMemory, judgeServerMemory } from '../decide/memory-budget.ts';
import { ownMemoryLimit } from '../decide/pod-amounts.ts';
import type { Resolved } from '../decide/resolve.ts';
import type { Observation } from '../levers/run.ts';
import { hasRuntimeSettings } from '../levers/runtime/lever.ts';
import type { BudgetPart } from './budget-part.ts';
import type { QuotaDeps } from './quota-budgets.ts';
import { replicaRange } from './replica-range.ts';

/** Whether what a Redis, and the caches in the memory of Pods, may hold has room in their containers. */
export function judgeMemoryBudgets(
  resolved: Resolved,
  looked: readonly Observation[],
  { caches }: { readonly caches: Pick<QuotaDeps['caches'], 'hpas'> },
): BudgetPart {
  const judged = [...serversOf(looked), ...cachesOf(resolved, looked, caches)];
  const fitting = judged.filter(({ problems, isKnown }) => isKnown && problems.length === 0).map(({ name }) => name);
  return {
    problems: judged.flatMap(({ problems }) =>
      problems.map((message) => ({ reason: 'MemoryExceeded', message }) as const),
    ),
    fits: fitting.length === 0 ? [] : [`The memory of their containers is enough for ${fitting.join(', ')}.`],
    bounds: [],
  };
}

interface Judged {
  readonly name: string;
  readonly problems: readonly string[];
  /** All of it was reckoned. */
  readonly isKnown: boolean;
}

const serversOf = (looked: readonly Observation[]): readonly Judged[] =>
  looked.flatMap(({ lever, unit, seen }) => {
    if (unit.mode === 'Off' || seen.kind === 'problem') return [];
    const memory = lever.memoryOf?.(unit, seen.value);
    if (memory === undefined) return [];
    const problem = judgeServerMemory(unit.name, memory);
    return [{ name: unit.name, problems: problem === undefined ? [] : [problem], isKnown: true }];
  });

/** Of components whose caches have their size from us. */
function cachesOf(
  resolved: Resolved,
  looked: readonly Observation[],
  caches: Pick<QuotaDeps['caches'], 'hpas'>,
): readonly Judged[] {
  const entryBytes = entryOf(looked);
  return resolved.components
    .filter((component) => component.policy.runtime.mode !== 'Off' && hasRuntimeSettings(resolved, component))
    .flatMap((component) => {
      const limitBytes = ownMemoryLimit(component, resolved.mode === 'Enforce');
      if (limitBytes === undefined) return [];
      const { memory, cache } = component.policy.runtime;
      const { name } = component.spec;
      const problems = judgeCacheMemory({
        component: name,
        replicas: replicaRange(resolved, component, caches).maxReplicas,
        limitBytes,
        collectAboveBytes: bytes(memory.collectAbove),
        entries: cache.l1.entries,
        entryBytes,
      });
      return [{ name: `the L1 cache of ${name}`, problems, isKnown: entryBytes !== undefined }];
    });
}

/** Of fewer keys nobody knows what the next will be like. */
const leastKeys = 1_000;

/** What an entry takes in the largest Redis of the service, at least: a power of two, so that a message does not move with each write. */
function entryOf(looked: readonly Observation[]): number | undefined {
  const [largest] = looked
    .flatMap(({ lever, unit, seen }): readonly CacheServerFigures[] => {
      const figures = unit.mode === 'Off' || seen.kind === 'problem' ? undefined : lever.cacheOf?.(seen.value);
      return figures === undefined || figures.keys < leastKeys ? [] : [figures];
    })
    .toSorted((a, b) => b.keys - a.keys);
  return largest && 2 ** Math.floor(Math.log2(largest.usedMemoryBytes / largest.keys));
}
