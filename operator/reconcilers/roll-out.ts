import type { Workload } from './kinds.ts';

/**
 * Whether Pods of an old template stand beside those of the new one, and its controller is replacing them. By what status counts: a change of the replicas alone moves the two counts together.
 * One that is paused, or got nowhere within its deadline, stands still: what its Pods say then is the load.
 */
export function isRollingOut({ kind, spec, status = {} }: Workload): boolean {
  const { replicas = 0, updatedReplicas = 0, conditions = [] } = status;
  const isStill =
    spec.paused === true ||
    spec.updateStrategy?.type === 'OnDelete' ||
    conditions.some(({ type, status: is }) => type === 'Progressing' && is === 'False');
  const keptBack = kind === 'StatefulSet' ? (spec.updateStrategy?.rollingUpdate?.partition ?? 0) : 0;
  return !isStill && replicas - updatedReplicas > keptBack;
}

/** Of a StatefulSet that is rolled out, what is another after each Pod that is replaced: its controller has no deadline, and tells of no standstill. */
export function rollOutStep(workload: Workload): string | undefined {
  const { updateRevision = '', updatedReplicas = 0 } = workload.status ?? {};
  return workload.kind === 'StatefulSet' && isRollingOut(workload) ? `${updateRevision} ${updatedReplicas}` : undefined;
}

interface RollOut {
  readonly isRollingOut?: boolean;
  readonly rollOutStep?: string | undefined;
}

/** Which components are rolled out, or were while the figures that decide were taken. */
export interface RollOuts {
  /** Notes how it stands now. @param now ms since the epoch. @returns hasStopped: it is at a standstill since this look, and counts no more. */
  see(component: string, target: RollOut, now: number): { readonly isOn: boolean; readonly hasStopped: boolean };
  /** All components of a service, by what their keys begin with. */
  forget(service: string): void;
}

/** Signals are means over at most a minute. */
const figuresMs = 60_000;
/** progressDeadlineSeconds of a Deployment that declares none. */
export const deadlineMs = 600_000;

interface Known {
  readonly seenAt: number;
  readonly step: string | undefined;
  readonly stepAt: number;
  readonly isStill: boolean;
}

export function createRollOuts(): RollOuts {
  const known = new Map<string, Known>();
  return {
    see(component, { isRollingOut: isNow = false, rollOutStep: step }, now) {
      const before = known.get(component);
      if (!isNow) {
        const isOn = before !== undefined && !before.isStill && now - before.seenAt < figuresMs;
        if (!isOn) known.delete(component);
        return { isOn, hasStopped: false };
      }
      const stepAt = before?.step === step ? (before?.stepAt ?? now) : now;
      const isStill = step !== undefined && now - stepAt >= deadlineMs;
      known.set(component, { seenAt: now, step, stepAt, isStill });
      return { isOn: !isStill, hasStopped: isStill && before?.isStill !== true };
    },
    forget(service) {
      for (const component of known.keys()) if (component.startsWith(service)) known.delete(component);
    },
  };
}
