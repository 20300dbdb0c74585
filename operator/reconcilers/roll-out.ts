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

/** Which components are rolled out, or were while the figures that decide were taken. */
export interface RollOuts {
  /** Notes how it stands now. @param now ms since the epoch. */
  isOn(component: string, isNow: boolean, now: number): boolean;
  /** All components of a service, by what their keys begin with. */
  forget(service: string): void;
}

/** Signals are means over at most a minute. */
const figuresMs = 60_000;

export function createRollOuts(): RollOuts {
  const seenAt = new Map<string, number>();
  return {
    isOn(component, isNow, now) {
      if (isNow) seenAt.set(component, now);
      const at = seenAt.get(component);
      const isOn = at !== undefined && now - at < figuresMs;
      if (!isOn) seenAt.delete(component);
      return isOn;
    },
    forget(service) {
      for (const component of seenAt.keys()) if (component.startsWith(service)) seenAt.delete(component);
    },
  };
}
