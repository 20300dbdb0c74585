import type { ActionOutcome } from '../../api/optimizer.ts';
import type { Compared } from './compare.ts';
import { recordKey, type Act, type KeptOptimizer, type PendingAction, type RuleRecord } from './kept.ts';
import { oneHigher, oneLower } from './raise.ts';
import { oneLess, oneMore } from './reduction.ts';
import type { OptimizerRule, OptimizerRules } from './rules.ts';

/** What is waited for at most, in cooldowns of the rule. */
const longestBackoff = 16;
/** A rule of which so many were judged and fewer than this share helped does not help. */
const [judgedEnough, leastHelpful] = [5, 0.3];
const hourMs = 3_600_000;
/** Of all services together this is the memory of the leader, and the ConfigMap of each. */
const longestMessage = 1_000;
/** As far back as a comparison looks. */
const actsKeptMs = 3 * hourMs;

type Cooldown = Pick<OptimizerRule, 'cooldownMs'> & Pick<OptimizerRules, 'maxBackoffMs'>;

export const isIneffective = ({ judged, improved }: Pick<RuleRecord, 'judged' | 'improved'>): boolean =>
  judged >= judgedEnough && improved < leastHelpful * judged;

/** What is kept before an action is made. */
export function withPending(kept: KeptOptimizer, pending: PendingAction, cooldown: Cooldown): KeptOptimizer {
  const { component, begunAt: at, settleMs, windowMs, evicted } = pending;
  const key = recordKey(pending);
  const { judged = 0, improved = 0, backoff = 1 } = kept.records[key] ?? {};
  const act = { component, at, until: at + settleMs + windowMs };
  const acts = [...kept.acts, { ...act, ...(evicted !== undefined && { evicted: evicted.uids.length }) }];
  return {
    records: {
      ...kept.records,
      [key]: { actedAt: at, nextAt: at + waitMs(backoff, cooldown), backoff, metric: pending.metric, judged, improved },
    },
    ...inForceFor(kept, pending),
    pending,
    acts: acts.filter(({ until }) => at - until < actsKeptMs),
  };
}

/** Its component is under it from then on: what others had to do first may have taken minutes. */
export function withDone(kept: KeptOptimizer, doneAt: number): KeptOptimizer {
  const { pending, acts } = kept;
  if (pending === undefined) return kept;
  const until = doneAt + pending.settleMs + pending.windowMs;
  return {
    ...kept,
    pending: { ...pending, doneAt },
    acts: acts.map((act) => (isOf(act, pending) ? { ...act, until } : act)),
  };
}

/** Of those that were to be evicted only these were: those that were not leave the hour its bounds. */
export function withEvicted(kept: KeptOptimizer, uids: readonly string[]): KeptOptimizer {
  const { pending, acts } = kept;
  if (pending?.evicted === undefined) return kept;
  return {
    ...kept,
    pending: { ...pending, evicted: { ...pending.evicted, uids } },
    acts: acts.map((act) => (isOf(act, pending) ? { ...act, evicted: uids.length } : act)),
  };
}

/** Whether it is what the hour counts of this action. */
const isOf = ({ at, component, isBack }: Act, pending: PendingAction): boolean =>
  isBack !== true && at === pending.begunAt && component === pending.component;

/** With words for what is at work, or has just been judged: behind those of the same action. */
export function withMessage(
  kept: KeptOptimizer,
  of: Pick<PendingAction, 'component' | 'rule'>,
  text: string,
): KeptOptimizer {
  const key = recordKey(of);
  const record = kept.records[key];
  if (record === undefined) return kept;
  const message = [record.message, text].filter((part) => part !== undefined).join('; ');
  return { ...kept, records: { ...kept.records, [key]: { ...record, message: message.slice(0, longestMessage) } } };
}

type InForce = Pick<KeptOptimizer, 'reductions' | 'raises'>;

/** What reduces workers or raises a limit is in force with what is kept: the levers plan by it. */
function inForceFor(
  { reductions, raises }: KeptOptimizer,
  { action, component, rule, begunAt: now, limitBytes: bytes }: PendingAction,
): InForce {
  const before: InForce = { ...(reductions && { reductions }), ...(raises && { raises }) };
  if (action === 'ReduceWorkers')
    return { ...before, reductions: { ...reductions, [component]: oneMore(reductions?.[component], rule, now) } };
  if (action !== 'RaiseMemoryLimit' || bytes === undefined) return before;
  return { ...before, raises: { ...raises, [component]: oneHigher(raises?.[component], { rule, bytes, now }) } };
}

/** What did not help is given back; but a limit under a process that may have filled it by now only where no Pod has it. */
function undoneFor(
  { reductions = {}, raises = {} }: KeptOptimizer,
  { action, component, begunAt }: PendingAction,
  outcome: ActionOutcome,
): InForce {
  const raise = raises[component];
  if (action === 'RaiseMemoryLimit' && raise !== undefined && outcome === 'Failed') {
    const { restoredAt: _, ...undone } = oneLower(raise, begunAt); // nothing was given back: the next one is no relapse
    return { raises: { ...raises, [component]: undone } };
  }
  const own = reductions[component];
  const stays = outcome === 'Improved' || outcome === 'Inconclusive';
  if (action !== 'ReduceWorkers' || own === undefined || stays) return {};
  const { restoredAt: _, ...undone } = oneLess(own, begunAt);
  return { reductions: { ...reductions, [component]: undone } };
}

/** Just these steps are left of each of these components, from now on. */
export function withGivenBack(
  kept: KeptOptimizer,
  given: readonly { readonly component: string; readonly left: readonly string[] }[],
  { now, untilMs }: { readonly now: number; readonly untilMs: number },
): KeptOptimizer {
  const changed = given.flatMap(({ component, left }) => {
    const before = kept.reductions?.[component];
    return before === undefined ? [] : [[component, { ...oneLess(before, now), steps: left }] as const];
  });
  return {
    ...kept,
    reductions: { ...kept.reductions, ...Object.fromEntries(changed) },
    acts: [
      ...kept.acts,
      ...changed.map(([component]) => ({ component, at: now, until: now + untilMs, isBack: true as const })),
    ],
  };
}

/** The newest step of this component's limit is given back. */
export function withLowered(
  kept: KeptOptimizer,
  component: string,
  { now, untilMs }: { readonly now: number; readonly untilMs: number },
): KeptOptimizer {
  const raise = kept.raises?.[component];
  if (raise === undefined) return kept;
  return {
    ...kept,
    raises: { ...kept.raises, [component]: oneLower(raise, now) },
    acts: [...kept.acts, { component, at: now, until: now + untilMs, isBack: true }],
  };
}

/** What is kept once it is known what became of the pending action. */
export function withOutcome(
  before: KeptOptimizer,
  { outcome, effect }: Pick<Compared, 'effect'> & { readonly outcome: ActionOutcome },
  cooldown: Cooldown,
): KeptOptimizer {
  const { pending, ...kept } = outcome === 'Failed' ? withEvicted(before, []) : before;
  if (pending === undefined) return kept;
  const key = recordKey(pending);
  const { judged = 0, improved = 0, backoff = 1, message } = kept.records[key] ?? {};
  const tally = {
    judged: judged + Number(outcome !== 'Inconclusive' && outcome !== 'Failed'),
    improved: improved + Number(outcome === 'Improved'),
  };
  const next = isIneffective(tally) ? longestBackoff : backoffAfter(outcome, backoff);
  const record: RuleRecord = {
    actedAt: pending.begunAt,
    nextAt: pending.begunAt + waitMs(next, cooldown),
    backoff: next,
    outcome,
    metric: pending.metric,
    ...(effect !== undefined && { before: effect.before, after: effect.after }),
    ...(message !== undefined && { message }),
    ...tally,
  };
  return { ...kept, ...undoneFor(kept, pending, outcome), records: { ...kept.records, [key]: record } };
}

/** Help halves it and does not end it at once; what made things worse is tried again much later. */
function backoffAfter(outcome: ActionOutcome, backoff: number): number {
  if (outcome === 'Improved') return Math.max(1, Math.floor(backoff / 2));
  return Math.min(longestBackoff, backoff * (outcome === 'Worse' ? 4 : 2));
}

const waitMs = (backoff: number, { cooldownMs, maxBackoffMs }: Cooldown): number =>
  Math.max(cooldownMs, Math.min(maxBackoffMs, backoff * cooldownMs));

/** Actions of the last hour. */
export const actsWithinHour = ({ acts }: KeptOptimizer, now: number): KeptOptimizer['acts'] =>
  acts.filter(({ at, isBack }) => isBack !== true && now - at < hourMs);

/** When an action of the last hour will be one no more; undefined: there is none. */
export function freeAgainAt(kept: KeptOptimizer, now: number): number | undefined {
  const acts = actsWithinHour(kept, now);
  return acts.length === 0 ? undefined : Math.min(...acts.map(({ at }) => at)) + hourMs;
}

/** Records of what the service still has; the others are forgotten. */
export function withoutGone(kept: KeptOptimizer, known: ReadonlySet<string>): KeptOptimizer {
  const records = Object.entries(kept.records).filter(([key]) => known.has(key));
  return records.length === Object.keys(kept.records).length ? kept : { ...kept, records: Object.fromEntries(records) };
}
