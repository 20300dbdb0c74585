import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { ApiError } from './api-error.ts';
import { backoffMs } from './backoff.ts';
import type { Kube } from './client.ts';
import { openDeadline } from './deadline.ts';
import type { Logger } from './logger.ts';
import type { KubeObject } from './object.ts';
import { resource } from './resource.ts';

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
  /**
   * Returns at once and never throws. What is the same in every word within six minutes is one Event that counts;
   * its count is brought up to date at its first repetition, then at most every five minutes. Over the limits it is dropped, and that is logged.
   */
  record(event: EventInput): void;
  /** Resolves when all that was recorded is sent or given up. */
  flush(signal: AbortSignal): Promise<void>;
}

export interface EventOptions {
  readonly kube: Pick<Kube, 'create' | 'patch'>;
  /** `genops.dev/operator` */
  readonly controller: string;
  /** Pod name. */
  readonly instance: string;
  /** Events remembered, and Events waiting to be sent, at most. Default 1000. */
  readonly limit?: number;
  /** Between two updates of one Event's count. Default 300 000 ms. */
  readonly updateMs?: number;
  readonly logger: Logger;
}

/** Closing sends what is left, for at most two seconds. */
export function openEvents(options: EventOptions): EventRecorder {
  return new SeriesRecorder(options);
}

interface Series {
  readonly event: EventInput;
  readonly name: string;
  count: number;
  /** ms since the epoch. */
  lastAt: number;
  /** Count that the server knows; 0 before it is created. */
  sentCount: number;
}

export const events = resource({
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
});

/** After so long without a repetition the next one is an Event of its own; as client-go's. */
const seriesMs = 360_000;
const retry = { baseMs: 500, capMs: 10_000 };
const attempts = 5;

class SeriesRecorder implements EventRecorder {
  readonly #options: EventOptions;
  readonly #limit: number;
  readonly #updateMs: number;
  /** The one that was told of longest ago is first. */
  readonly #series = new Map<string, Series>();
  readonly #waiting = new Set<Series>();
  readonly #stop = new AbortController();
  #sending: Promise<void> | undefined;
  /** One for all counts that are not sent yet. */
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;

  constructor(options: EventOptions) {
    this.#options = options;
    this.#limit = options.limit ?? 1000;
    this.#updateMs = options.updateMs ?? 300_000;
  }

  record(event: EventInput): void {
    if (this.#stop.signal.aborted) return;
    const now = Date.now();
    const { uid, name } = event.regarding.metadata;
    const words = `${uid} ${event.type} ${event.reason} ${event.action} ${event.note}`;
    const known = this.#series.get(words);
    const isGoingOn = known !== undefined && now - known.lastAt < seriesMs;
    const suffix = randomBytes(8).toString('hex');
    const series = isGoingOn ? known : { event, name: `${name}.${suffix}`, count: 0, lastAt: now, sentCount: 0 };
    series.count += 1;
    series.lastAt = now;
    this.#series.delete(words); // so that it stands last
    this.#series.set(words, series);
    const [oldest] = this.#series.keys();
    if (this.#series.size > this.#limit && oldest !== undefined) this.#series.delete(oldest);
    if (series.count <= 2) this.#enqueue(series);
    else this.#timer ??= setTimeout(() => this.#enqueueCounts(), this.#updateMs).unref();
  }

  async flush(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      await Promise.race([this.#sending, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    using deadline = openDeadline(new AbortController().signal, 2000);
    await this.flush(deadline.signal).catch(() => undefined); // what is not sent by now is not worth a longer stop
    this.#stop.abort(new DOMException('the recorder was closed', 'AbortError'));
    await this.#sending;
  }

  #enqueueCounts(): void {
    this.#timer = undefined;
    for (const series of this.#series.values()) if (series.count > series.sentCount) this.#enqueue(series);
  }

  #enqueue(series: Series): void {
    if (this.#waiting.size >= this.#limit) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.add(series);
    this.#sending ??= this.#sendAll();
  }

  /** One after the other: people read them, nothing waits for them. Never throws. */
  async #sendAll(): Promise<void> {
    await Promise.resolve(); // what is recorded in one go is counted before it is sent
    for (let [series] = this.#waiting; series !== undefined && !this.#stop.signal.aborted; [series] = this.#waiting) {
      this.#waiting.delete(series);
      await this.#send(series);
    }
    if (this.#dropped > 0) this.#options.logger.warn('Events dropped', { dropped: this.#dropped, limit: this.#limit });
    this.#dropped = 0;
    this.#sending = undefined;
  }

  async #send(series: Series): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const { count } = series;
      try {
        await (series.sentCount === 0 ? this.#create(series) : this.#update(series));
        series.sentCount = count;
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isTransient =
          error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
        if (!isTransient || attempt === attempts) {
          const isGoing = error instanceof ApiError && error.isNamespaceTerminating; // where nobody will read it
          this.#options.logger[isGoing ? 'debug' : 'warn']('Event given up', { reason: series.event.reason, error });
          return;
        }
        await sleep(backoffMs(retry, attempt, Math.random), undefined, { signal }).catch(() => undefined); // an abort ends the loop
      }
    }
  }

  async #create({ event, name, count, lastAt }: Series): Promise<void> {
    const { kube, controller, instance } = this.#options;
    const { regarding, type, reason, action, note } = event;
    const { namespace, uid } = regarding.metadata;
    const manifest = {
      metadata: { name, namespace: namespace ?? 'default' },
      eventTime: microTime(lastAt),
      reportingController: controller,
      reportingInstance: instance,
      regarding: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name: regarding.metadata.name,
        namespace,
        uid,
      },
      type,
      reason,
      action,
      note: shortened(note),
      ...(count > 1 ? { series: { count, lastObservedTime: microTime(lastAt) } } : {}),
    };
    await kube.create(events, manifest, {}, this.#stop.signal);
  }

  async #update({ event, name, count, lastAt }: Series): Promise<void> {
    const key = `${event.regarding.metadata.namespace ?? 'default'}/${name}`;
    const series = { count, lastObservedTime: microTime(lastAt) };
    await this.#options.kube.patch(events, key, [{ op: 'add', path: '/series', value: series }], {}, this.#stop.signal);
  }
}

/** RFC 3339 with microseconds, as a MicroTime wants it. */
function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}

/** Of the text of an Event, as bytes of UTF-8: the API server takes no more. */
const mostNoteBytes = 1_024;
const ellipsis = '…';

function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= mostNoteBytes) return note;
  const kept = bytes.subarray(0, mostNoteBytes - Buffer.byteLength(ellipsis));
  return `${new TextDecoder().decode(kept, { stream: true })}${ellipsis}`; // `stream` leaves a part of a character out
}
