import type { Fleet } from './fleet.ts';

/** What can be measured of a service while it runs: sums since the beginning, times in seconds. */
export interface World {
  readonly now: number;
  /** Requests that one replica works on at a time. */
  readonly slots: number;
  readonly fleet: Fleet;
  readonly arrived: number;
  readonly finished: number;
  /** Time that slots were busy, and that requests were in the system. */
  readonly busySeconds: number;
  readonly systemSeconds: number;
  /** Response times of all that finished. */
  readonly responseSeconds: number;
  readonly waiting: number;
  /** Time that the slots of one Pod were busy since it is Ready. */
  busySecondsOf(pod: number): number;
}

/** What moves the replicas. Looked at whenever its time has come. */
export interface Autoscaler {
  readonly name: string;
  /** Seconds: when it acts next, be it to measure or to decide. */
  readonly nextAt: number;
  /** @returns the replicas that it asks for; those that are asked for already to leave them. */
  act(world: World): number;
}
