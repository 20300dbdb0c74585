import { isDeepStrictEqual } from 'node:util';
import { milliseconds, seconds } from '../api/duration.ts';
import { ratio } from '../api/ratio.ts';
import { lookaheadAsks, scoreFloor, type ScoreFloorMemory } from '../decide/asked-floor.ts';
import type { AskedFloor } from '../decide/floor.ts';
import { decideLookahead, type LookaheadDecision } from '../decide/lookahead/decide.ts';
import { keepLookahead, moveLookahead, resumeLookahead } from '../decide/lookahead/kept.ts';
import { learn, missWindows, noteSetByHand } from '../decide/lookahead/learn.ts';
import {
  createLookaheadMemory,
  type LookaheadMemory,
  type LookaheadSettings,
  type Sample,
} from '../decide/lookahead/memory.ts';
import { stoodOn, type LookaheadRecord } from '../decide/lookahead/record.ts';
import { lookaheadSettings } from '../decide/lookahead/settings.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { scoreRules } from '../decide/score.ts';
import { keyOf, type Key } from '../kube/object.ts';
import type { Collector } from '../metrics/collector.ts';
import { loadColumns, loadSamples, type LoadSample } from '../metrics/load-samples.ts';
import type { PodView } from '../metrics/pod-view.ts';
import { nextTurn } from '../metrics/schedule.ts';
import { observedAtOf, seenOf } from '../metrics/seen.ts';
import { isDeclared } from './declared.ts';
import { beliefsOf, declaredSlots, startUpOf, type StartUp } from './scaler-beliefs.ts';

/** What of a component's scaler survives a restart: the floor that it asks for, and when it last changed that (ms since the epoch). */
export interface KeptScaler {
  readonly floor: number;
  readonly lastScaledAt: number;
  /** The floor in force that this is a step from. Where there is no HPA: the replicas; absent once they are others. */
  readonly from?: number;
  /** What Lookahead had learned by then, or by `learnedAt`. */
  readonly learned?: unknown;
  readonly learnedAt?: number;
}

export interface AskInput {
  readonly resolved: Resolved;
  readonly component: ResolvedComponent;
  /** minReplicas of the HPA now. */
  readonly inForce: number;
  readonly kept: KeptScaler | undefined;
  readonly pods: readonly PodView[];
  /** Or was while its figures were taken. */
  readonly isRollingOut?: boolean;
  readonly now: number;
}

export interface Answer {
  readonly asked: AskedFloor;
  /** To be written before the floor is moved; undefined: as it was. */
  readonly keep: KeptScaler | undefined;
}

/** The algorithms of the scaler with what they remember of each component. */
export interface Algorithms {
  ask(input: AskInput): Answer;
  forget(service: Key): void;
}

/** Nobody asked for a scaler that no layer of the policy says anything of. */
export const hasScaler = (resolved: Resolved, { policy }: ResolvedComponent): boolean =>
  policy.scaler.mode !== 'Off' && isDeclared(resolved, 'scaler');

/** Lookahead takes every row that is measured. */
export function lookIntervalMs({ policy: { collector } }: Resolved, { policy: { scaler } }: ResolvedComponent): number {
  const [own, rows] = [milliseconds(scaler.interval), milliseconds(collector.interval)];
  return scaler.algorithm === 'Lookahead' ? Math.min(own, rows) : own;
}

/** A decision and what it was made from. */
interface Made {
  readonly decision: LookaheadDecision;
  readonly input: LookaheadRecord['input'];
}

interface Lookahead {
  readonly settings: LookaheadSettings;
  readonly memory: LookaheadMemory;
  /** ms since the epoch; the newest row that was learned from. */
  at: number;
  /** What was asked for at the last look; undefined: there was none. */
  asked: number | undefined;
  newest: Made | undefined;
  /** When what was learned is written even though nothing is moved. */
  keepAt: number;
}

/** What Score remembers and a restart forgets. */
type Scores = Map<string, Pick<ScoreFloorMemory, 'missingSince' | 'heldSince'>>;

export function createAlgorithms(collector: Pick<Collector, 'windowOf' | 'rowsOf'>): Algorithms {
  const scores: Scores = new Map();
  const learned = new Map<string, Lookahead>();
  return {
    ask(input) {
      const { resolved, component } = input;
      const { metadata } = resolved.service;
      const key = `${keyOf(resolved.service)}/${metadata.uid}/${component.spec.name}`;
      return component.policy.scaler.algorithm === 'Score'
        ? byScore(input, key, collector, scores)
        : byLookahead(input, key, collector, learned);
    },
    forget(service) {
      for (const memories of [scores, learned])
        for (const key of memories.keys()) if (key.startsWith(`${service}/`)) memories.delete(key);
    },
  };
}

/** Signals are means over a minute, or newest values. */
const windowMs = 60_000;

function byScore(
  { resolved, component, inForce, kept, isRollingOut, now }: AskInput,
  key: string,
  collector: Pick<Collector, 'windowOf'>,
  scores: Scores,
): Answer {
  const { scaler, horizontal } = component.policy;
  const figures = collector.windowOf(keyOf(resolved.service), component.spec.name, windowMs);
  const least = windowMs - milliseconds(resolved.policy.collector.interval);
  const { asked, memory } = scoreFloor({
    rules: scoreRules(scaler),
    minReplicas: horizontal.minReplicas,
    maxReplicas: horizontal.maxReplicas,
    seen: figures === undefined ? {} : seenOf(figures),
    isWarmingUp: (figures?.coveredMs ?? 0) < least,
    isRollingOut,
    isOomKilled: now - (figures?.oomKilledAt ?? -Infinity) <= milliseconds(component.policy.objectives.window),
    inForce,
    memory: { ...kept, ...scores.get(key) },
    observedAt: (metric) => (figures === undefined ? undefined : observedAtOf(figures, metric)),
    now,
  });
  const { floor, lastScaledAt, missingSince, heldSince } = memory;
  scores.set(key, { missingSince, heldSince });
  const hasMoved = lastScaledAt !== undefined && lastScaledAt !== kept?.lastScaledAt;
  return { asked, keep: hasMoved && floor !== undefined ? { floor, lastScaledAt } : undefined };
}

/** Rows that are missing before what is known counts for nothing. */
const staleRows = 3;

function byLookahead(
  { resolved, component, kept, pods, isRollingOut, now }: AskInput,
  key: string,
  collector: Pick<Collector, 'rowsOf'>,
  learned: Map<string, Lookahead>,
): Answer {
  const periodSeconds = seconds(resolved.policy.collector.interval);
  const settings = lookaheadSettings(component.policy, { periodSeconds, ...declaredSlots(resolved, component) });
  const known = learned.get(key);
  const state = known === undefined ? beginLookahead(settings, { key, kept, now }) : withSettings(known, settings);
  learned.set(key, state);
  const asked = kept?.floor ?? settings.minReplicas;
  const rows = collector.rowsOf(keyOf(resolved.service), component.spec.name, state.at - 1, loadColumns);
  const maxErrorRatio = ratio(component.policy.scaler.blockScaleDownAbove.errorRatio);
  const startUp = startUpOf(component.policy, pods);
  if (rows !== undefined) {
    const samples = loadSamples(rows, { periodSeconds: settings.periodSeconds, maxErrorRatio });
    goOn(state, samples, { asked, startUp, isRollingOut });
  }
  const isStale = now - state.at > staleRows * 1_000 * settings.periodSeconds;
  const { newest } = state;
  if (newest === undefined || isStale) return { asked: blind(asked), keep: undefined };
  const { decision, input } = newest;
  const keep = keepOf(state, decision.to, { key, asked, kept, now });
  const basis = { observedAt: state.at, beliefs: beliefsOf(settings, state.memory, startUp) };
  const { to: floor, reason, wanted } = decision;
  const lookahead = { input, floor, reason, wanted } satisfies LookaheadRecord;
  return { asked: { ...lookaheadAsks(decision, settings, basis), madeFrom: { lookahead } }, keep };
}

/** Goes on from the newest row with all that was learned: rows before it have been learned from, whatever the settings were. */
function withSettings(state: Lookahead, settings: LookaheadSettings): Lookahead {
  const memory = moveLookahead(state.memory, state.settings, settings);
  return { ...state, memory, settings };
}

/** Older than this, what was learned says too little of now. */
const learnedMs = 24 * 3_600_000;

interface Keeping {
  readonly key: string;
  readonly kept: KeptScaler | undefined;
  readonly now: number;
}

function beginLookahead(settings: LookaheadSettings, { key, kept, now }: Keeping): Lookahead {
  const isRecent = kept !== undefined && now - (kept.learnedAt ?? kept.lastScaledAt) < learnedMs;
  const resumed = isRecent ? resumeLookahead(kept.learned, settings) : undefined;
  const memory = resumed ?? createLookaheadMemory(settings);
  return { settings, memory, at: 0, asked: undefined, newest: undefined, keepAt: nextKeep(key, now) };
}

/** Half an hour to an hour from now: each component has its own place in it, so that those that were made together are not written together. */
const nextKeep = (key: string, now: number): number => nextTurn(key, 1_800_000, { now, after: 2 });

/** What to write down: a floor that is to be moved; and now and then what was learned while none was, if it is anything new. */
function keepOf(
  state: Lookahead,
  to: number,
  { key, asked, kept, now }: Keeping & { readonly asked: number },
): KeptScaler | undefined {
  const isMoved = to !== asked;
  if (!isMoved && now < state.keepAt) return undefined;
  state.keepAt = nextKeep(key, now);
  const learned = keepLookahead(state.memory, state.settings);
  if (isMoved) return { floor: to, lastScaledAt: now, learned };
  return isDeepStrictEqual(learned, kept?.learned)
    ? undefined
    : { lastScaledAt: 0, ...kept, floor: asked, learned, learnedAt: now };
}

/** Decides and learns by every row since the last time. Those that are missing, or say nothing, are no low load. */
function goOn(
  state: Lookahead,
  samples: readonly LoadSample[],
  { asked, startUp, isRollingOut }: Pick<Sample, 'asked' | 'isRollingOut'> & { readonly startUp: StartUp },
): void {
  const { memory, settings } = state;
  if (isSetByHand(state, asked)) noteSetByHand(memory, asked);
  state.asked = asked;
  for (const { at, load } of samples) {
    const passed = Math.round((at - state.at) / (1_000 * settings.periodSeconds));
    if (state.at > 0 && passed > 1) missWindows(memory, passed - 1, settings);
    state.at = at;
    state.newest = undefined;
    if (load === undefined) {
      missWindows(memory, 1, settings);
      continue;
    }
    const sample = { ...load, asked, startUpSeconds: startUp.seconds, isRollingOut };
    const stood = stoodOn(memory, sample, settings);
    const decision = decideLookahead(memory, sample, settings);
    state.newest = { decision, input: { settings, sample, memory: stood, isStartUpDeclared: startUp.isDeclared } };
    learn(memory, sample, decision, settings);
  }
}

/** Neither as it was, where nothing is moved (DryRun) or could be, nor what was decided. */
const isSetByHand = ({ asked, newest }: Lookahead, now: number): boolean =>
  asked !== undefined && now !== asked && now !== newest?.decision.to;

const blind = (floor: number): AskedFloor => ({
  floor,
  reason: 'MetricsStale',
  message:
    'No fresh requests per second with what is in flight (generation_workflows_in_flight): the scaler asks for what it asked for (unknown is not low).',
  figures: [],
  terms: [],
  heldBy: 'MetricsStale',
  heldUntil: undefined,
});
