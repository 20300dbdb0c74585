import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import { LRUCache } from 'lru-cache';
import { adminHeaders, adminPath, adminSignature, adminToleranceSeconds } from '../api/admin-request.ts';

export interface AdminOptions {
  /** The shared secret. At least 16 characters; undefined, as a variable of the environment may be, is refused. */
  readonly key: string | undefined;
  /** What may be asked for, by name; the result is sent as JSON. */
  readonly actions: Readonly<Record<string, (body: string) => unknown>>;
  /** Name of this Pod: what is meant for another one is refused. By default the host's name, which is the Pod's unless that has more than 63 characters or the Pod says another (`hostname`, `hostNetwork`). */
  readonly pod?: string | undefined;
  /** ms since the epoch. */
  readonly now?: () => number;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body: { readonly result: unknown } | { readonly error: string };
}

/** Admin actions without their sockets: any server can ask it. */
export interface Admin {
  answer(request: {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    /** All of it. Read no more than 64 KiB of a stranger's. */
    readonly body: string;
  }): Promise<AdminAnswer>;
}

/** More in so short a time is no operator; to forget one would let it be sent again. */
const maxNonces = 10_000;

/**
 * `POST /genops/actions/<name>`, for who knows the secret, once, in this Pod. Nothing is told to anybody else, not even which actions there are.
 * Each admin remembers for itself what it was sent: make one for a process.
 *
 * @throws {RangeError} for no secret, or one that can be guessed.
 */
export function createAdmin({ key, actions, pod: own = hostname(), now = Date.now }: AdminOptions): Admin {
  if (key === undefined || key.length < 16) {
    const saw = key === undefined ? 'no key' : `a key of ${key.length} characters`;
    throw new RangeError(`saw ${saw}; wanted at least 16; next: openssl rand -hex 32`);
  }
  const begunSeconds = Math.floor(now() / 1_000); // what was asked of the process before is not known any more
  const used = new LRUCache<string, true>({ max: maxNonces + 1, ttl: (2 * adminToleranceSeconds + 1) * 1_000 });
  return {
    async answer({ method, path, headers, body }) {
      const said = (name: keyof typeof adminHeaders): string => String(headers[adminHeaders[name]] ?? '');
      const [time, nonce, pod] = [said('time'), said('nonce'), said('pod')];
      if (!isSame(said('signature'), adminSignature(key, { method, path, time, nonce, pod, body })))
        return refused('not signed with the key of this workload');
      if (pod !== own) return refused(`meant for Pod ${pod}; this is ${own}`);
      if (!/^\d{1,12}$/.test(time) || Math.abs(now() / 1_000 - Number(time)) > adminToleranceSeconds)
        return refused(`signed for another time: at most ${adminToleranceSeconds} s from this clock are good`);
      if (Number(time) < begunSeconds) return refused('signed before this process began');
      if (!/^[\x21-\x7e]{16,64}$/.test(nonce)) return refused('the nonce is not 16 to 64 characters');
      used.purgeStale();
      if (used.has(nonce)) return refused('sent before');
      if (used.size >= maxNonces) return { status: 429, body: { error: 'too many in too short a time' } };
      used.set(nonce, true);
      return run({ method, path, body }, actions);
    },
  };
}

const refused = (error: string): AdminAnswer => ({ status: 401, body: { error } });

/** In a time that does not depend on where they differ. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function run(
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: string },
  actions: AdminOptions['actions'],
): Promise<AdminAnswer> {
  const name = path.startsWith(adminPath) ? path.slice(adminPath.length) : '';
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined)
    return { status: 404, body: { error: `no such action; there are ${Object.keys(actions).join(', ')}` } };
  if (method !== 'POST') return { status: 405, body: { error: 'actions are asked for with POST' } };
  try {
    return { status: 200, body: { result: await action(body) } };
  } catch (error) {
    return { status: 500, body: { error: Error.isError(error) ? error.message : String(error) } };
  }
}
