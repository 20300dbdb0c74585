import { randomBytes } from 'node:crypto';
import PQueue from 'p-queue';
import type { Dispatcher } from 'undici';
import { adminResult, type AdminAction, type AdminResult } from '../../api/admin-actions.ts';
import { adminHeaders, adminPath, adminSignature } from '../../api/admin-request.ts';
import type { Component } from '../../api/component.ts';
import { Problem } from '../../api/problem.ts';
import { openDeadline } from '../../kube/deadline.ts';
import type { AddressGuard } from '../../metrics/address-guard.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import { fetchPage } from '../../metrics/sources/fetch.ts';
import { addressOf } from '../../metrics/sources/pods.ts';
import { words, type ReadFailure } from '../../metrics/sources/source.ts';
import { invalidSecret, type SecretData } from '../server-address.ts';

/** `components[].admin`. */
export type AdminEndpoint = NonNullable<Component['admin']>;

export interface AdminAsk<Action extends AdminAction> {
  readonly admin: AdminEndpoint;
  /** Of one namespace, which has the Secret. */
  readonly pods: readonly PodView[];
  readonly action: Action;
  /** Empty by default. */
  readonly body?: string;
  /** Told of each reply as it comes: whose time is up before the last has it of the others. */
  readonly onReply?: (reply: AdminReply<Action>) => void;
  /** By default 32 at once, until all are asked. */
  readonly pace?: Pace;
}

interface Pace {
  readonly atOnce: number;
  /** ms; after them nobody else is asked. */
  readonly withinMs: number;
}

export type AdminReply<Action extends AdminAction> = { readonly pod: PodView } & (
  | { readonly kind: 'done'; readonly result: AdminResult<Action> }
  /** With `TimedOut` nobody knows whether it was done. */
  | { readonly kind: 'failed'; readonly failure: ReadFailure }
  /** Those before it took all the time. */
  | { readonly kind: 'notAsked' }
);

export interface AdminClient {
  /**
   * Asks each of these Pods, at its own address, for one action. One that fails or hangs holds up no other: what became of it is in its reply.
   *
   * @throws {Problem} where the Secret cannot be read or used: then nobody was asked.
   */
  ask<Action extends AdminAction>(ask: AdminAsk<Action>, signal: AbortSignal): Promise<readonly AdminReply<Action>[]>;
}

export interface AdminClientOptions {
  /** The connections to all Pods: see `createScraper`. */
  readonly dispatcher: Dispatcher;
  readonly guard: AddressGuard;
  readonly readSecret: (namespace: string, name: string, signal: AbortSignal) => Promise<SecretData | undefined>;
}

/** A collection of a large heap takes a second or two. */
const timeoutMs = 5_000;
const unhurried: Pace = { atOnce: 32, withinMs: Infinity };

export function createAdminClient({ dispatcher, guard, readSecret }: AdminClientOptions): AdminClient {
  return {
    async ask({ admin, pods, action, body = '', onReply, pace = unhurried }, signal) {
      const [first] = pods;
      if (first === undefined) return [];
      const key = keyIn(await readSecret(first.namespace, admin.secretRef.name, signal), first.namespace, admin);
      const queue = new PQueue({ concurrency: pace.atOnce });
      const until = performance.now() + pace.withinMs;
      const asked = pods.map((pod) => async () => {
        if (performance.now() > until) return { pod, kind: 'notAsked' } as const;
        const address = addressOf(pod, admin, guard);
        if ('reason' in address) return { pod, kind: 'failed', failure: address } as const;
        return { pod, ...(await askOne({ dispatcher, ...address, key, pod: pod.name, action, body }, signal)) };
      });
      const told = asked.map((ask) => async () => {
        const reply = await ask();
        onReply?.(reply);
        return reply;
      });
      return queue.addAll(told);
    },
  };
}

function keyIn(data: SecretData | undefined, namespace: string, { secretRef: { name, key } }: AdminEndpoint): string {
  const found = data?.[key]?.toString('utf8');
  if (found === undefined)
    throw new Problem('SecretNotFound', {
      saw: data === undefined ? `no Secret ${namespace}/${name}` : `no key ${key} in Secret ${namespace}/${name}`,
      wanted: 'the secret that the Pods know for their admin actions',
      next: `kubectl create secret generic ${name} -n ${namespace} --from-literal=${key}=$(openssl rand -hex 32), and give it to the Pods`,
    });
  if (found.length >= 16) return found;
  throw invalidSecret(
    { namespace, name },
    {
      saw: `${found.length} characters under ${key}`,
      wanted: 'at least 16',
      next: 'openssl rand -hex 32; give it to the Pods too',
    },
  );
}

interface Asked<Action> {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly key: string;
  /** Its name. */
  readonly pod: string;
  readonly action: Action;
  readonly body: string;
}

type Answered<Action extends AdminAction> =
  | { readonly kind: 'done'; readonly result: AdminResult<Action> }
  | { readonly kind: 'failed'; readonly failure: ReadFailure };

async function askOne<Action extends AdminAction>(
  { dispatcher, origin, key, pod, action, body }: Asked<Action>,
  signal: AbortSignal,
): Promise<Answered<Action>> {
  const path = `${adminPath}${action}`;
  const headers = { ...signed(key, { path, pod, body }), 'content-type': 'application/json' };
  using deadline = openDeadline(signal, timeoutMs);
  const page = await fetchPage(
    { dispatcher, origin, path, method: 'POST', headers, body, types: json, alsoRead: refusals },
    deadline.signal,
  );
  signal.throwIfAborted();
  if ('reason' in page) return { kind: 'failed', failure: page };
  return understood(`${origin}${path}`, action, page);
}

const json = { pattern: /^application\/json\b/i, name: 'JSON' };
/** Of `createAdmin`, which says why. */
const refusals = [400, 401, 404, 405, 413, 429, 500];

function signed(key: string, about: { readonly path: string; readonly pod: string; readonly body: string }) {
  const time = String(Math.floor(Date.now() / 1_000));
  const nonce = randomBytes(16).toString('hex');
  return {
    [adminHeaders.time]: time,
    [adminHeaders.nonce]: nonce,
    [adminHeaders.pod]: about.pod,
    [adminHeaders.signature]: adminSignature(key, { method: 'POST', ...about, time, nonce }),
  };
}

function understood<Action extends AdminAction>(
  url: string,
  action: Action,
  { text, status }: { readonly text: string; readonly status: number },
): Answered<Action> {
  const { result, error } = parsed(text);
  if (status !== 200) return { kind: 'failed', failure: refusal(url, status, error) };
  const figures = adminResult(action, result);
  if (figures !== undefined) return { kind: 'done', result: figures };
  const message = `${url} answered ${words(text)}, which has not the figures of ${action}`;
  return { kind: 'failed', failure: { reason: 'NotUnderstood', message } };
}

function refusal(url: string, status: number, error: unknown): ReadFailure {
  const message = `${url} answered ${status}: ${words(error)}`;
  if (status !== 401) return { reason: 'BadStatus', message };
  const next = 'give the Pods the same secret, and set their clocks and ours by NTP';
  return { reason: 'BadStatus', message, next };
}

function parsed(text: string): { readonly result?: unknown; readonly error?: unknown } {
  try {
    return Object(JSON.parse(text)) as { readonly result?: unknown; readonly error?: unknown };
  } catch {
    return {}; // then it has no figures
  }
}
