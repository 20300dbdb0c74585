import type { LoadSummary } from '../../test/workload/load/run.ts';
import type { BackendFigures } from '../../test/workload/service/views.ts';
import { latency, redis } from './account.ts';
import { isTuned, type Recording, type Sample } from './record.ts';
import { perPod, perPodTarget, rates } from './story.ts';

/** One thing that the demo says of the product. */
export interface Claim {
  readonly text: string;
  readonly holds: boolean;
  /** The figures. */
  readonly evidence: string;
}

/** What is only known at the end. */
export interface Ending {
  readonly load: Pick<LoadSummary, 'sent' | 'errors' | 'refused' | 'failures' | 'latency'>;
  /** Rescales that the HPA controller itself told of, the oldest first: `New size: 6; reason: …`. */
  readonly rescales: readonly string[];
  /** genops_drift_total{lever="redis"}; undefined where nobody could be asked. */
  readonly driftCounted: number | undefined;
  /** What each Pod said that was left and could be asked. */
  readonly backends: readonly BackendFigures[];
}

const minReplicas = 2;
/** Failed requests for each one sent. */
const tolerated = 0.001;
/** What so many a Pod ask for, less one for the tolerance of the autoscaler. */
const busyReplicas = Math.ceil(rates.busy / perPodTarget) - 1;

export function claims(recording: Recording, ending: Ending): readonly Claim[] {
  return [
    scaledUp(recording, ending),
    cameDown(recording),
    redisTuned(recording),
    driftRepaired(recording, ending),
    settingsTold(recording),
    libraryUsed(ending),
    optimizerActed(recording),
    nothingFailed(ending),
    endsReady(recording),
  ];
}

function scaledUp({ samples }: Recording, { rescales }: Ending): Claim {
  const most = Math.max(0, ...samples.map(({ snapshot }) => snapshot.replicas.ready));
  const cpuReached = samples.some(({ snapshot }) =>
    snapshot.autoscaler?.metrics.some(
      ({ name, current, target }) => name === 'cpu' && parseFloat(current ?? '0') >= parseFloat(target),
    ),
  );
  return {
    text: 'the real HPA scaled the workload up on requests per second',
    holds: most >= busyReplicas && rescales.length > 0 && isForRequests(samples, rescales) && !cpuReached,
    evidence: `${most} Pods ready at ${rates.busy} requests/s; cpu ${cpuReached ? 'reached' : 'never reached'} its target; the HPA controller: ${rescales[0] ?? 'no rescale'}`,
  };
}

/** Named by the operator as the reason of a higher floor, or by the HPA controller itself. */
function isForRequests(samples: readonly Sample[], rescales: readonly string[]): boolean {
  const decisions = samples.flatMap(({ snapshot }) => snapshot.service?.components?.[0]?.decision ?? []);
  const raised = decisions.filter(({ action }) => action === 'ScaleUp').map(({ message = '' }) => message);
  return [...raised, ...rescales].some((words) => words.includes('requests_per_second'));
}

function cameDown({ samples }: Recording): Claim {
  const wasUp = samples.some(({ snapshot }) => snapshot.replicas.desired > minReplicas);
  const last = samples.at(-1)?.snapshot.replicas.desired;
  const peak = peakSecond(samples);
  const low = samples.find(({ second, snapshot }) => second > peak && snapshot.replicas.desired === minReplicas);
  const after = low === undefined ? '' : `, ${low.second} s after the start`;
  return {
    text: 'it came down again when the load fell',
    holds: wasUp && last === minReplicas,
    evidence: `${last ?? 'unknown'} Pods wanted at the end${wasUp ? after : ', and never more'}`,
  };
}

function redisTuned({ redisBefore, redisAfter }: Recording): Claim {
  return {
    text: 'Redis took the settings of the policy',
    holds: !isTuned(redisBefore) && isTuned(redisAfter),
    evidence: `${redis(redisBefore)} → ${redis(redisAfter)}`,
  };
}

function driftRepaired({ marks }: Recording, { driftCounted }: Ending): Claim {
  const edited = marks.find(({ kind }) => kind === 'Edited');
  const repaired = marks.find(({ kind, second }) => kind === 'Repaired' && second > (edited?.second ?? Infinity));
  const took = edited === undefined || repaired === undefined ? 'never' : `after ${repaired.second - edited.second} s`;
  return {
    text: 'a change of Redis by hand was repaired and counted as drift',
    holds: repaired !== undefined && (driftCounted ?? 0) > 0,
    evidence: `repaired ${took}; genops_drift_total{lever="redis"} ${driftCounted ?? 'unknown'}`,
  };
}

/** A volume lags by a minute: what comes at once comes through the admin port. */
function settingsTold({ samples }: Recording): Claim {
  const told = samples.flatMap(({ snapshot: { service } }) => {
    const { podsCurrent, podsTotal, hash = '' } = service?.components?.[0]?.runtime ?? {};
    return podsTotal !== undefined && podsCurrent === podsTotal ? [{ pods: podsTotal, hash }] : [];
  });
  const most = Math.max(0, ...told.map(({ pods }) => pods));
  const condition = conditionOf(samples, 'RuntimeApplied');
  return {
    text: 'every Pod took the runtime settings of the policy, and said so',
    holds: most > minReplicas && condition?.status === 'True',
    evidence: `up to ${most} Pods with the settings ${told.at(-1)?.hash ?? '(none)'}; at the end: ${condition?.message ?? 'no condition RuntimeApplied'}`,
  };
}

/** Settings that arrive are one thing; this is that something runs within them. */
function libraryUsed({ backends }: Ending): Claim {
  const [tasks, remembered, answers, statements] = [
    sum(backends, ({ cpuPool }) => cpuPool?.tasks),
    sum(backends, ({ cpuPool }) => cpuPool?.remembered),
    sum(backends, ({ httpPool }) => httpPool?.answers),
    sum(backends, ({ postgresPool }) => postgresPool?.statements),
  ];
  const threads = backends.map(({ cpuPool }) => cpuPool?.threads ?? 0);
  const connections = backends.map(({ postgresPool }) => postgresPool?.connections ?? 0);
  const isWithin =
    threads.every((count) => count === perPod.threads) &&
    connections.every((count) => count > 0 && count <= perPod.connections);
  return {
    text: 'the workload computed on threads, asked its model and its PostgreSQL, within the limits of the policy',
    holds: isWithin && remembered > 0 && remembered < tasks && answers > 0 && statements > 0,
    evidence:
      backends.length === 0
        ? 'no Pod said anything'
        : `${backends.length} Pods: ${tasks} tasks on ${threads.join(' and ')} threads, ${remembered} of them remembered; ${answers} answers of the model; ${statements} statements counted on ${connections.join(' and ')} connections`,
  };
}

const sum = (all: Ending['backends'], figure: (one: BackendFigures) => number | undefined): number =>
  all.reduce((total, one) => total + (figure(one) ?? 0), 0);

function optimizerActed({ samples }: Recording): Claim {
  const { lastAction, name = '' } = samples.at(-1)?.snapshot.service?.optimizer?.rules?.[0] ?? {};
  const outcome = lastAction?.outcome;
  return {
    text: 'the optimizer asked Pods to collect garbage, and says what came of it',
    holds: outcome !== undefined && outcome !== 'Failed' && outcome !== 'Skipped',
    evidence:
      lastAction === undefined ? 'no action' : `${name}: ${outcome ?? 'at work still'}; ${lastAction.message ?? ''}`,
  };
}

function nothingFailed({ load: { sent, errors, refused, failures, latency: all } }: Ending): Claim {
  const failed = errors - failures.CutOff + refused; // what was in flight when the load was ended is nobody's failure
  return {
    text: `at most ${tolerated * 100} % of the requests failed while Pods came and went`,
    holds: sent > 0 && failed <= sent * tolerated,
    evidence: `${failed} of ${sent}; p50 ${latency(all?.p50Ms ?? null)}, p95 ${latency(all?.p95Ms ?? null)}, p99 ${latency(all?.p99Ms ?? null)}`,
  };
}

function endsReady({ samples }: Recording): Claim {
  const ready = conditionOf(samples, 'Ready');
  return {
    text: 'the GenerationService is Ready',
    holds: ready?.status === 'True',
    evidence: ready === undefined ? 'no condition Ready' : `${ready.reason}: ${ready.message}`,
  };
}

const conditionOf = (samples: Recording['samples'], wanted: string) =>
  samples.at(-1)?.snapshot.service?.conditions?.find(({ type }) => type === wanted);

function peakSecond(samples: readonly Sample[]): number {
  const most = Math.max(0, ...samples.map(({ snapshot }) => snapshot.replicas.desired));
  return samples.find(({ snapshot }) => snapshot.replicas.desired === most)?.second ?? 0;
}
