import type { Kube } from './client.ts';
import type { Logger } from './logger.ts';
import type { KubeObject } from './object.ts';

/** One thing worth telling people about an object (`kubectl describe`). */
export interface EventInput {
  readonly regarding: KubeObject;
  readonly type: 'Normal' | 'Warning';
  /** Why, in CamelCase, of a closed list. */
  readonly reason: string;
  /** What was done or failed, in CamelCase (`Scale`, `ApplyRedis`). */
  readonly action: string;
  /** A sentence; at most 1024 bytes are kept. */
  readonly note: string;
}

export interface EventRecorder extends AsyncDisposable {
  /** Returns at once and never throws. Events alike (object, type, reason, action) within six minutes become one series. Over the limit they are counted and dropped. */
  record(event: EventInput): void;
  /** Resolves when all that was recorded is sent or given up. */
  flush(signal: AbortSignal): Promise<void>;
}

export interface EventOptions {
  readonly kube: Kube;
  /** `genops.dev/operator` */
  readonly controller: string;
  /** Pod name. */
  readonly instance: string;
  /** Series and unsent events kept at most. Default 1000. */
  readonly limit?: number;
  readonly logger: Logger;
}

/** Closing sends what is left, for at most two seconds. */
export declare function openEvents(options: EventOptions): EventRecorder;
