import type { GenerationService } from '../api/generation-service.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import { differenceText } from '../levers/differences.ts';
import type { LeverChange } from '../levers/lever.ts';
import type { UnitResult } from '../levers/run.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface UnitReportDeps {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: Pick<Metrics, 'leverChanges' | 'drift'>;
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn'>;
}

type Service = GenerationService & KubeObject;

/** What was done to one server or object: counters, log lines, and an Event where a person must know. */
export function reportUnit(service: Service, result: UnitResult, deps: UnitReportDeps): void {
  const { plan, outcome, taken } = result;
  const { namespace, name } = service.metadata;
  const about = { namespace, name, lever: plan.lever.name, unit: plan.unit.name };
  if (outcome !== 'nothing') deps.metrics.leverChanges.inc({ lever: plan.lever.name, result: outcome });
  if (taken.length > 0) {
    // Something new for each of many services is no news; what was there and is now another is.
    const isNew = taken.every(({ differences }) => differences.every(({ from }) => from === undefined));
    deps.logger[isNew ? 'debug' : 'info']('changed', { ...about, differences: inWords(taken) });
  }
  logFailure(service, result, about, deps);
  reportDrift(service, result, deps);
  reportSettings(service, result, deps);
}

/** Seen at each visit, told once: what stands in status already is no news. */
function logFailure(
  service: Service,
  { plan: { lever, changes, problem }, outcome, condition }: UnitResult,
  about: object,
  { logger }: UnitReportDeps,
): void {
  const { reason, message } = condition;
  const isKnown = service.status?.conditions?.some(
    (one) => one.type === lever.condition && one.message.includes(message),
  );
  if (problem?.cause !== undefined)
    logger[isKnown === true ? 'debug' : 'warn'](problem.message, {
      ...about,
      reason: problem.reason,
      cause: problem.cause,
    });
  if (outcome === 'refused' || outcome === 'failed')
    logger[isKnown === true ? 'debug' : 'info']('change was not taken', {
      ...about,
      differences: inWords(changes),
      reason,
      message,
    });
}

/** Each that was put back counts, whatever became of the changes after it. */
function reportDrift(
  service: Service,
  { plan: { lever, unit }, taken }: UnitResult,
  { events, metrics }: UnitReportDeps,
): void {
  const drift = inWords(taken.filter(({ cause }) => cause === 'Drift'));
  if (drift.length === 0) return;
  metrics.drift.inc({ lever: lever.name }, drift.length);
  events.record({
    regarding: service,
    type: 'Warning',
    reason: 'DriftRepaired',
    action: 'Repair',
    note: `${lever.name} ${unit.name}: somebody changed what the policy declares, it was put back: ${drift.join(', ')}`,
  });
}

/** Settings that an Event names; the rest is counted. */
const namedSettings = 15;

/** A server has other users too: who wonders why it is another than yesterday looks here. */
function reportSettings(
  service: Service,
  { plan: { lever, unit }, taken }: UnitResult,
  { events }: UnitReportDeps,
): void {
  if (lever.serverOf === undefined) return;
  const set = inWords(taken.filter(({ cause }) => cause === 'Declared'));
  if (set.length === 0) return;
  events.record({
    regarding: service,
    type: 'Normal',
    reason: 'SettingsChanged',
    action: 'Apply',
    note: `${lever.name} ${unit.name}: ${set.length} set as the policy declares: ${firstOf(set)}`,
  });
}

/** What a service that is deleted has given back, also where the rest of it is still waited for: who wonders tomorrow finds no service to ask. */
export function reportPutBack(
  service: Service,
  { plan: { lever, unit }, taken }: UnitResult,
  { events, logger }: Pick<UnitReportDeps, 'events'> & { readonly logger: Pick<Logger, 'info'> },
): void {
  const back = inWords(taken);
  if (back.length === 0) return;
  const { namespace, name } = service.metadata;
  logger.info('put back', { namespace, name, lever: lever.name, unit: unit.name, differences: back });
  events.record({
    regarding: service,
    type: 'Normal',
    reason: 'SettingsRestored',
    action: 'Restore',
    note: `${lever.name} ${unit.name}: ${back.length} put back, since the service is deleted: ${firstOf(back)}`,
  });
}

function firstOf(settings: readonly string[]): string {
  const more = settings.length > namedSettings ? ` and ${settings.length - namedSettings} more` : '';
  return `${settings.slice(0, namedSettings).join(', ')}${more}`;
}

const inWords = (changes: readonly LeverChange[]): readonly string[] =>
  changes.flatMap(({ differences }) => differences).map(differenceText);
