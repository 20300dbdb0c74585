import { isDeepStrictEqual } from 'node:util';
import { withCondition } from '../api/conditions.ts';
import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { lastTold } from '../decide/hysteresis.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import { managers } from '../levers/apply-owned.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { generationServices } from './kinds.ts';
import type { LastWords } from './last-words.ts';
import { objectiveEvents } from './objective-events.ts';
import { reportUnit } from './report-unit.ts';
import type { StatusWrites } from './status-writes.ts';
import { renderStatus, type Visit } from './status.ts';

export interface ReportDeps {
  readonly kube: Kube;
  readonly statuses: StatusWrites<GenerationService & KubeObject>;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: { now(): number };
  /** Each objective as status last said that it was met or missed. */
  readonly told: LastWords<GenerationServiceStatus['objectives']>;
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
  await writeStatus(service, status, deps, signal); // before what it brings is told: where it fails, the next visit finds the same change
  reportReady(service, status, deps);
  const before = lastTold(deps.told.of(service), service.status?.objectives);
  const looked = visit.kind === 'reconciled' ? visit.assessment.look?.looked : undefined;
  for (const event of objectiveEvents(before, status.objectives, looked))
    deps.events.record({ regarding: service, ...event });
  deps.told.put(service, lastTold(before, status.objectives));
}

/** What a service that is being deleted waits for: once, in status and as an Event, since each look finds it in other words. */
export async function reportWaiting(
  service: GenerationService & KubeObject,
  waitsFor: string,
  deps: Pick<ReportDeps, 'kube' | 'statuses' | 'clock' | 'events'>,
  signal: AbortSignal,
): Promise<void> {
  const { generation: observedGeneration } = service.metadata;
  const { conditions = [] } = service.status ?? {};
  const [type, status, reason] = ['Ready', 'False', 'RestoreWaiting'] as const;
  if (conditions.some((condition) => condition.type === type && condition.reason === reason)) return;
  const message = `Being deleted, and waits two minutes at most: ${waitsFor}`;
  const waiting = { type, status, reason, message, observedGeneration };
  const next = withCondition(conditions, waiting, new Date(deps.clock.now()));
  await writeStatus(service, { ...service.status, observedGeneration, conditions: [...next] }, deps, signal);
  deps.events.record({ regarding: service, type: 'Warning', reason, action: 'Restore', note: waitsFor });
}

async function writeStatus(
  service: GenerationService & KubeObject,
  status: GenerationServiceStatus,
  { kube, statuses }: Pick<ReportDeps, 'kube' | 'statuses'>,
  signal: AbortSignal,
): Promise<void> {
  const key = keyOf(service);
  if (isDeepStrictEqual(status, service.status ?? {})) return;
  const { namespace, name } = service.metadata;
  try {
    const answer = await kube.apply(
      generationServices,
      { metadata: { namespace, name }, status },
      { manager: managers.declared, force: true, subresource: 'status' },
      signal,
    );
    statuses.remember(key, status, answer);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error; // it was deleted meanwhile: the watch will tell
  }
}

/** An Event when a service turns from well to unwell or back; the first time that it is well is no news, nor is one that is told to change nothing. */
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
  else if (before?.status === 'False' && after.reason === 'Reconciled')
    events.record({ regarding: service, type: 'Normal', reason: 'Ready', action: 'Reconcile', note: after.message });
}
