import { seconds } from '../api/duration.ts';
import { scoreFloor, type ScoreRecord } from '../decide/asked-floor.ts';
import type { EffectivePolicy } from '../decide/effective-policy.ts';
import { decideAgain, looksFurther, type LookaheadRecord } from '../decide/lookahead/record.ts';
import { lookaheadSettings } from '../decide/lookahead/settings.ts';
import { scoreRules } from '../decide/score.ts';
import { slotsOf } from '../decide/slots.ts';
import { isObject, type Bundle } from './bundle.ts';
import { soundRecord, type SoundRecord } from './sound-record.ts';

/** Replicas that were asked for, before others raise them, and why. */
interface Asked {
  readonly floor: number;
  readonly reason: string;
}

type Algorithm = EffectivePolicy['scaler']['algorithm'];

/** What the scaler asked for, and what it asks for by the same now. */
interface ReplayedDecision {
  readonly component: string;
  /** RFC 3339; of the decision. */
  readonly time: string;
  readonly algorithm: Algorithm;
  readonly was: Asked;
  readonly is: Asked;
}

/** A decision that cannot be made once more. */
interface LostDecision extends Pick<ReplayedDecision, 'component' | 'time'> {
  readonly why: string;
}

export interface ReplayedDecisions {
  readonly decisions: readonly ReplayedDecision[];
  readonly lost: readonly LostDecision[];
}

/** The policy that decides instead of that of then, by component; undefined: there is no such component. */
export type PolicyFor = (component: string) => EffectivePolicy | undefined;

/** The decisions of a bundle once more, by what is written down of each; of the scaler of another policy, if one is given. */
export function replayedDecisions({ decisions }: Bundle, policyFor?: PolicyFor): ReplayedDecisions {
  const told = isObject(decisions) ? [decisions['decisions'], decisions['newestDecisions']] : [];
  const all = told.flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : [])).filter(isObject);
  const made = new Map(all.map((one) => [`${String(one['component'])} ${String(one['time'])}`, one])); // the newest may be the last that changed something too
  const answers = [...made.values()].flatMap((one) => replayedOne(one, policyFor) ?? []);
  return {
    decisions: answers.filter((one) => 'is' in one),
    lost: answers.filter((one) => 'why' in one),
  };
}

/** @returns undefined where no scaler of a policy has decided. */
function replayedOne(
  decision: Readonly<Record<string, unknown>>,
  policyFor: PolicyFor | undefined,
): ReplayedDecision | LostDecision | undefined {
  const { score, lookahead } = decision;
  const about = { component: String(decision['component']), time: String(decision['time']) };
  const algorithm = isObject(score) ? 'Score' : isObject(lookahead) ? 'Lookahead' : undefined;
  if (algorithm === undefined) {
    const why = whyUnwritten(decision);
    return why === undefined ? undefined : { ...about, why };
  }
  const record = soundRecord(algorithm === 'Score' ? score : lookahead, { ...about, algorithm });
  const policy = policyFor?.(about.component);
  const why = policyFor && whyNotUnder(policy, record);
  if (why !== undefined) return { ...about, why };
  const is = record.algorithm === 'Score' ? scoreAsks(record.input, policy) : lookaheadAsks(record.input, policy);
  return { ...about, algorithm, was: { floor: record.floor, reason: record.reason }, is };
}

function whyUnwritten({ terms, heldBy }: Readonly<Record<string, unknown>>): string | undefined {
  if (terms === null) return 'the process that decided it is gone, and what it was made from with it';
  if (heldBy === 'MetricsStale') return 'figures were missing, and what was asked for was held';
  const hasTerms = Array.isArray(terms) && terms.length > 0;
  return hasTerms ? 'the version that decided it did not tell what it was made from' : undefined;
}

function whyNotUnder(policy: EffectivePolicy | undefined, record: SoundRecord): string | undefined {
  if (policy === undefined) return 'the service of the bundle has no such component';
  const { scaler } = policy;
  if (scaler.algorithm !== record.algorithm)
    return `${record.algorithm} decided it, and what ${scaler.algorithm} decides by was not kept`;
  if (record.algorithm === 'Score') return undefined;
  if (record.input.isStartUpDeclared && scaler.lookahead.startUp === undefined)
    return 'scaler.lookahead.startUp was declared, and how long its Pods took was not kept';
  const { input, settings } = askedUnder(policy, record.input);
  return looksFurther(input, settings)
    ? 'by a longer start-up, horizon or objective it looks back further than what was kept'
    : undefined;
}

function scoreAsks(input: ScoreRecord['input'], policy: EffectivePolicy | undefined): Asked {
  const { minReplicas, maxReplicas } = policy?.horizontal ?? input;
  const rules = policy === undefined ? input.rules : scoreRules(policy.scaler);
  const again = { ...input, rules, minReplicas, maxReplicas, observedAt: () => undefined };
  const { floor, reason } = scoreFloor(again).asked.madeFrom.score;
  return { floor, reason };
}

function lookaheadAsks(input: LookaheadRecord['input'], policy: EffectivePolicy | undefined): Asked {
  const again = policy === undefined ? { input, settings: input.settings } : askedUnder(policy, input);
  const { to, reason } = decideAgain(again.input, again.settings);
  return { floor: to, reason };
}

/** Windows stay as long as they were measured. */
function askedUnder(policy: EffectivePolicy, input: LookaheadRecord['input']) {
  const { periodSeconds, learnsSlots } = input.settings;
  const { startUp } = policy.scaler.lookahead;
  const startUpSeconds = startUp === undefined ? input.sample.startUpSeconds : seconds(startUp);
  const settings = lookaheadSettings(policy, { periodSeconds, learnsSlots, slotsPerReplica: slotsOf(policy) });
  return { input: { ...input, sample: { ...input.sample, startUpSeconds } }, settings };
}

export const isSame = ({ was, is }: ReplayedDecision): boolean => was.floor === is.floor && was.reason === is.reason;

export function decisionsText({ decisions, lost }: ReplayedDecisions): string {
  const made = decisions.map((one) => {
    const { component, time, algorithm, was, is } = one;
    const before = isSame(one) ? ', as then' : `; it was ${was.floor} (${was.reason})`;
    return `scaler/${component}: at ${time} ${algorithm} asks for ${is.floor} (${is.reason})${before}\n`;
  });
  const unknown = lost.map(({ component, time, why }) => `scaler/${component}: at ${time} not known: ${why}\n`);
  return [...made, ...unknown].join('');
}
