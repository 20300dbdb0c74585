import { setTimeout as sleep } from 'node:timers/promises';

import { ApiError } from './api-error.ts';
import { backoffMs } from './backoff.ts';
import type { Kube, Page, Query } from './client.ts';
import type { Logger } from './logger.ts';
import type { KubeObject } from './object.ts';
import type { Resource } from './resource.ts';
import { watch, type WatchEnd, type WatchEvent, type WatchMetrics } from './watch.ts';

/** Where a feed puts what it reads. Versions only grow, but for a list after an expiry of all versions (etcd restored from a backup). */
export interface FeedSink<T> {
  /** A list begins; one that began before and was not completed does not count. */
  listing(): void;
  /** Some of the objects of the list; those not named until `listed` are gone. */
  page(items: readonly T[]): void;
  listed(): void;
  event(event: WatchEvent<T>): void;
  /** We may not look there (403), or may again: `failing` says which. Tried again all the time. */
  refused(): void;
}

export interface FeedOptions<T extends KubeObject> {
  readonly kube: Pick<Kube, 'stream' | 'listPage'>;
  readonly resource: Resource<T>;
  readonly query: Query;
  readonly logger: Logger;
  readonly metrics?: WatchMetrics | undefined;
  /** Default 150 s: two and a half bookmarks. */
  readonly silenceMs?: number;
  /** How long one watch lasts: between this and double of it, so that not all come back at once. Default 300 s. */
  readonly watchSeconds?: number;
  /** [0, 1). */
  readonly random?: () => number;
}

/** Why nothing comes, and since when (performance.now()). */
interface Failing {
  readonly since: number;
  readonly message: string;
  /** We were told that we may not look; whatever came after that. */
  readonly isForbidden: boolean;
}

const pageSize = 500;
/** Annotation of the bookmark that follows the last object of a list. */
const listEnd = 'k8s.io/initial-events-end';
const retry = { baseMs: 200, capMs: 10_000 };
/** A watch that told nothing and did not even last so long is not a watch; without this a broken proxy would be asked without end. */
const shortMs = 1000;

/** List, watch, and watch again, for one resource in one namespace (or all), until the signal is aborted. Nothing else ends it. */
export class Feed<T extends KubeObject> {
  readonly #options: FeedOptions<T>;
  readonly #sink: FeedSink<T>;
  readonly #random: () => number;
  /** False once the server has said that it does not know how. */
  #canStream = true;
  /** The last list as a stream fell silent, from a dead connection or a server that leaves out its end: the next one is asked for in pages. */
  #isSilent = false;
  #mustList = true;
  #version: string | undefined;
  #failures = 0;
  #failing: Failing | undefined;

  constructor(options: FeedOptions<T>, sink: FeedSink<T>) {
    this.#options = options;
    this.#sink = sink;
    this.#random = options.random ?? Math.random;
  }

  /** All up to this version has been told. Undefined before the first list is complete. */
  get version(): string | undefined {
    return this.#version;
  }

  get failing(): Failing | undefined {
    return this.#failing;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#mustList && (this.#isSilent || !this.#canStream)) await this.#listPages(signal);
        await this.#watchOn(signal);
      } catch (error) {
        await this.#wait(error, signal);
      }
    }
  }

  /** Where a list cannot be had as the beginning of a watch. */
  async #listPages(signal: AbortSignal): Promise<void> {
    const { kube, resource, query, metrics } = this.#options;
    metrics?.started(resource.plural, 'list');
    this.#sink.listing();
    let page: Page<T> | undefined;
    do {
      page = await kube.listPage(resource, { ...query, limit: pageSize, continue: page?.continue }, signal);
      this.#sink.page(page.items);
    } while (page.continue !== undefined);
    this.#listed(page.resourceVersion);
  }

  /** Returns when a list is due. @throws what kept the watch from going on. */
  async #watchOn(signal: AbortSignal): Promise<void> {
    const { resource, metrics, logger } = this.#options;
    for (let what: 'list' | 'watch' | 'resume' = this.#mustList ? 'list' : 'watch'; !signal.aborted; what = 'resume') {
      const began = performance.now();
      const from = this.#version;
      metrics?.started(resource.plural, what);
      const end = await this.#watchOnce(signal);
      if (signal.aborted) return;
      if (this.#mustList && isRefused(end)) {
        this.#canStream = false;
        return;
      }
      if (this.#mustList && end.why === 'silent') this.#isSilent = true;
      const isShort = from === this.#version && performance.now() - began < shortMs;
      if (!isShort && this.#failing === undefined) this.#failures = 0;
      const why = isShort && end.why === 'closed' ? 'error' : end.why;
      if (why !== 'closed') metrics?.failed(resource.plural, why);
      if (end.why === 'error') throw end.error;
      if (end.why === 'expired') this.#mustList = true;
      if (end.why === 'silent') logger.warn('a watch fell silent and is opened anew', { resource: resource.plural });
      if (isShort) throw new Error(`the watch of ${resource.plural} ended as soon as it was open (${end.why})`);
      if (this.#mustList) return;
    }
  }

  /** One watch; where a list is due it begins with that: one request, and no page to be held whole. */
  #watchOnce(signal: AbortSignal): Promise<WatchEnd> {
    const { kube, resource, query, silenceMs = 150_000, watchSeconds = 300 } = this.#options;
    const timeoutSeconds = Math.round(watchSeconds * (1 + this.#random()));
    if (this.#mustList) this.#sink.listing();
    const onOpen = () => this.#recover();
    const onEvent = (event: WatchEvent<T>) => {
      const version = event.object.metadata.resourceVersion;
      if (!this.#mustList) {
        this.#sink.event(event);
        this.#version = version;
      } else if (event.type !== 'BOOKMARK') this.#sink.page([event.object]);
      else if (event.object.metadata.annotations?.[listEnd] === 'true') this.#listed(version);
    };
    const resourceVersion = this.#mustList ? undefined : this.#version;
    return watch({ kube, resource, query, resourceVersion, timeoutSeconds, silenceMs, onOpen, onEvent }, signal);
  }

  #listed(version: string): void {
    this.#mustList = false;
    this.#isSilent = false;
    this.#version = version;
    this.#sink.listed();
    this.#recover();
  }

  #recover(): void {
    const wasForbidden = this.#failing?.isForbidden === true;
    this.#failing = undefined;
    if (wasForbidden) this.#sink.refused();
  }

  async #wait(cause: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#failures += 1;
    const message = Error.isError(cause) ? cause.message : String(cause);
    const wasForbidden = this.#failing?.isForbidden === true;
    const isForbidden = cause instanceof ApiError && cause.status === 403;
    if (isForbidden && !wasForbidden) {
      this.#failing = { since: this.#failing?.since ?? performance.now(), message, isForbidden };
      this.#sink.refused();
    } else this.#failing ??= { since: performance.now(), message, isForbidden };
    const asked = cause instanceof ApiError ? (cause.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(asked, backoffMs(retry, this.#failures, this.#random));
    const { logger, resource, query } = this.#options;
    const level = isForbidden && wasForbidden ? 'debug' : 'warn'; // a right may be missing for ever: told once
    logger[level]('watch failed', {
      resource: resource.plural,
      namespace: query.namespace,
      error: message,
      retryMs: Math.round(delayMs),
    });
    await sleep(delayMs, undefined, { signal }).catch(() => undefined); // an abort ends the loop that called
  }
}

/** A server before 1.32 refuses to begin a watch with a list. */
function isRefused(end: WatchEnd): boolean {
  return end.why === 'error' && end.error instanceof ApiError && [400, 422].includes(end.error.status);
}
