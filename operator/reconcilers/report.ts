import { isDeepStrictEqual } from 'node:util';
import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { Kube } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import { managers } from '../levers/apply-owned.ts';
import type { UnitResult } from '../levers/run.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { generationServices } from './kinds.ts';
import type { StatusWrites } from './status-writes.ts';
import { renderStatus, type Visit } from './status.ts';

export interface ReportDeps {
  readonly kube: Kube;
  readonly statuses: StatusWrites<GenerationService & KubeObject>;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: { now(): number };
}

/** The one writer of a service's status; Events, metrics and log lines go with it. Writes nothing that is already there. */
export async function report(
  service: GenerationService & KubeObject,
  visit: Visit,
  deps: ReportDeps,
  signal: AbortSignal,
): Promise<void> {
  const status = renderStatus(service, visit, new Date(deps.clock.now()));
  if (visit.kind === 'reconciled') for (const result of visit.results) reportUnit(service, result, deps);
  reportReady(service, status, deps);
  await writeStatus(service, status, deps, signal);
}

async function writeStatus(
  service: GenerationService & KubeObject,
  status: GenerationServiceStatus,
  { kube, statuses }: ReportDeps,
  signal: AbortSignal,
): Promise<void> {
  const key = keyOf(service);
  if (isDeepStrictEqual(status, service.status ?? {})) return;
  const { namespace, name } = service.metadata;
  const answer = await kube.apply(
    generationServices,
    { metadata: { namespace, name }, status },
    { manager: managers.declared, force: true, subresource: 'status' },
    signal,
  );
  statuses.remember(key, status, answer);
}

/** What was done to one server or object: a counter, a log line, and an Event where a person must know. */
function reportUnit(
  service: GenerationService & KubeObject,
  { plan, outcome, condition }: UnitResult,
  { events, metrics, logger }: ReportDeps,
): void {
  const { lever, unit, changes, problem } = plan;
  const about = {
    namespace: service.metadata.namespace,
    name: service.metadata.name,
    lever: lever.name,
    unit: unit.name,
  };
  if (problem?.cause !== undefined) {
    // Seen at each visit, told once: what stands in status already is no news.
    const isKnown = service.status?.conditions?.some(
      ({ type, message }) => type === lever.condition && message.includes(problem.message),
    );
    logger[isKnown === true ? 'debug' : 'warn'](problem.message, {
      ...about,
      reason: problem.reason,
      cause: problem.cause,
    });
  }
  if (outcome === 'nothing') return;
  metrics.leverChanges.inc({ lever: lever.name, result: outcome });
  const differences = changes.flatMap((change) =>
    change.differences.map(({ field, from, to }) =>
      from === undefined ? `${field} = ${to}` : `${field} ${from} → ${to}`,
    ),
  );
  // Something new for each of many services is no news; what was there and is now another is.
  const isNew = changes.every((change) => change.differences.every(({ from }) => from === undefined));
  if (outcome === 'applied') logger[isNew ? 'debug' : 'info']('changed', { ...about, differences });
  else
    logger.info('change was not taken', {
      ...about,
      differences,
      reason: condition.reason,
      message: condition.message,
    });
  const drifted = changes.filter(({ cause }) => cause === 'Drift').flatMap((change) => change.differences);
  if (outcome !== 'applied' || drifted.length === 0) return;
  metrics.drift.inc({ lever: lever.name }, drifted.length);
  events.record({
    regarding: service,
    type: 'Warning',
    reason: 'DriftRepaired',
    action: 'Repair',
    note: `${lever.name} ${unit.name}: somebody changed what the policy declares, it was put back: ${differences.join(', ')}`,
  });
}

/** An Event when a service turns from well to unwell or back; the first time that it is well is no news. */
function reportReady(
  service: GenerationService & KubeObject,
  status: GenerationServiceStatus,
  { events }: ReportDeps,
): void {
  const readyOf = ({ conditions = [] }: GenerationServiceStatus) => conditions.find(({ type }) => type === 'Ready');
  const [before, after] = [readyOf(service.status ?? {}), readyOf(status)];
  if (after === undefined || (before?.status === after.status && before.reason === after.reason)) return;
  if (after.status === 'False')
    events.record({
      regarding: service,
      type: 'Warning',
      reason: after.reason,
      action: 'Reconcile',
      note: after.message,
    });
  else if (before?.status === 'False')
    events.record({ regarding: service, type: 'Normal', reason: 'Ready', action: 'Reconcile', note: after.message });
}
