import type { Differing } from './changes.ts';
import { comesDown, gentleNames, isThrowingOut, notGentle, stepShare } from './lowering.ts';
import type { Lowering, NodeMemory } from './node-memory.ts';
import type { RedisObserved } from './observe.ts';

interface Where {
  readonly observed: Pick<RedisObserved, 'server' | 'role'>;
  readonly memory: NodeMemory | undefined;
  /** ms since the epoch. */
  readonly now: number;
}

interface Back {
  /** What is to be set now. */
  readonly first: readonly Differing[];
  /** Whether something is to be set once keys are gone. */
  readonly isLeft: boolean;
  readonly remember?: NodeMemory;
}

/** One at each look, which come every five seconds: within the two minutes for which a deletion waits. */
const mostSteps = 12;

/**
 * Puts back what differs. Where keys have to go for the old limit it comes down in steps, and what makes a server throw out gently goes before the first of them;
 * the server's own values of that come once the keys are gone.
 */
export function gentlyBack(differing: readonly Differing[], { observed, memory, now }: Where): Back {
  const { server, role } = observed;
  const limit = differing.find(({ name }) => name === 'maxmemory');
  const comesNow = limit !== undefined && comesDown(server, Number(limit.to));
  const isWaiting =
    limit === undefined && memory?.lowering !== undefined && role === 'Primary' && isThrowingOut(server);
  if (memory === undefined || (!comesNow && !isWaiting)) return { first: differing, isLeft: false };
  const later = differing.filter(({ name }) => gentleNames.includes(name));
  const others = differing.filter((one) => one !== limit && !later.includes(one));
  if (!comesNow) return { first: others, isLeft: later.length > 0 };
  const lowering = nextStep(limit, { observed, memory, now });
  if (lowering === undefined) return { first: others, isLeft: true };
  const gentle = notGentle(server);
  const step = { ...limit, to: lowering.to };
  return {
    first: [...gentle, ...others, step],
    isLeft: step.to !== limit.to || gentle.length + later.length > 0,
    remember: withStep(memory, [...gentle, step], { later, lowering: lowering.noted }),
  };
}

/** At most 5 % of what is in use, or a twelfth of the way. Undefined: the server is not down at the last one yet. */
function nextStep(
  limit: Differing,
  { observed: { server, role }, memory, now }: Where,
): { readonly to: string; readonly noted: Lowering } | undefined {
  const { usedMemoryBytes: used, maxMemoryBytes: from, lookups, writesRefused } = server;
  const target = Number(limit.to);
  const last = memory?.lowering;
  const whole = (last?.target === limit.to ? last.whole : undefined) ?? used - target;
  const to = Math.max(target, Math.floor(used - Math.max(used * stepShare, whole / mostSteps)));
  // A replica throws nothing out, its primary does: it is kept one step below what it has.
  const isThere = role === 'Replica' ? from === 0 || to < from : !isThrowingOut(server);
  if (!isThere) return undefined;
  return { to: String(to), noted: { target: limit.to, at: now, from: limit.from, whole, ...lookups, writesRefused } };
}

/** What was there before us stays the original of what is set a second time. */
function withStep(
  memory: NodeMemory,
  set: readonly Differing[],
  { later, lowering }: { readonly later: readonly Differing[]; readonly lowering: Lowering },
): NodeMemory {
  const found = set.filter(({ name }) => gentleNames.includes(name) && !later.some((one) => one.name === name));
  return {
    ...memory,
    originals: { ...memory.originals, ...Object.fromEntries(found.map(({ name, from }) => [name, from])) },
    applied: { ...memory.applied, ...Object.fromEntries(set.map(({ name, to }) => [name, to])) },
    lowering,
  };
}
