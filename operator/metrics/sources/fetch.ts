import type { Dispatcher } from 'undici';
import { AddressRefused } from '../address-guard.ts';
import { words, type ReadFailure } from './source.ts';

export interface FetchInput {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What is read. An answer that does not say what it is, is taken for it. */
  readonly types: { readonly pattern: RegExp; readonly name: string };
  /** Other answers than 200 that are read and understood. */
  readonly alsoRead?: readonly number[];
  readonly access?: Access;
}

/** What a person can do about who may read it. */
export interface Access {
  /** Where it answers 401 or 403. */
  readonly refused: string;
  /** Where its certificate is not believed, or it wants one of ours. */
  readonly untrusted: string;
}

export interface FetchedPage {
  readonly text: string;
  readonly status: number;
  /** As it says itself. */
  readonly type: string | undefined;
  /** When the answer began, ms since the epoch and ms of performance.now(): what it says is of this moment. */
  readonly wall: number;
  readonly monotonic: number;
}

/** One page of a source. Redirects are not followed, and what cannot be read is a failure in words; how much is read is the dispatcher's to say. */
export async function fetchPage(input: FetchInput, signal: AbortSignal): Promise<FetchedPage | ReadFailure> {
  const { dispatcher, origin, path, method = 'GET', headers, body: sent = null } = input;
  try {
    const {
      statusCode,
      headers: said,
      body,
    } = await dispatcher.request({
      origin,
      path,
      method,
      headers,
      body: sent,
      signal,
    });
    const at = { wall: Date.now(), monotonic: performance.now() };
    const [type] = [said['content-type']].flat();
    const refused = refusal(input, statusCode, type, said['content-encoding']);
    if (refused === undefined) return { text: await body.text(), status: statusCode, type, ...at };
    await body.dump({ limit: 16_384, signal });
    return refused;
  } catch (error) {
    return failureOf(input, error, signal);
  }
}

function refusal(
  { origin, path, types, alsoRead = [], access }: FetchInput,
  status: number,
  type: string | undefined,
  encoding: unknown,
): ReadFailure | undefined {
  const url = `${origin}${path}`;
  if (status >= 300 && status < 400)
    return { reason: 'Redirected', message: `${url} answered ${status}: redirects are not followed` };
  const isRead = status === 200 || (alsoRead.includes(status) && type !== undefined && types.pattern.test(type));
  if (!isRead) return { reason: 'BadStatus', message: `${url} answered ${status}`, ...nextFor(status, access) };
  if (encoding !== undefined)
    return { reason: 'NotText', message: `${url} answered in an encoding that was not asked for` };
  if (type !== undefined && !types.pattern.test(type))
    return { reason: 'NotText', message: `${url} answered ${words(type)}, not ${types.name}` };
  return undefined;
}

const nextFor = (status: number, access: Access | undefined): Pick<ReadFailure, 'next'> =>
  access !== undefined && (status === 401 || status === 403) ? { next: access.refused } : {};

const timeoutCodes = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

function failureOf({ origin, path, access }: FetchInput, error: unknown, signal: AbortSignal): ReadFailure {
  const url = `${origin}${path}`;
  if (signal.aborted) return { reason: 'TimedOut', message: `${url} did not answer in time` };
  if (!Error.isError(error)) throw error;
  const code = 'code' in error ? String(error.code) : error.name;
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return { reason: 'TooLarge', message: `${url} answered more than the operator reads` };
  if (code === 'TypeError' || code === 'ReferenceError' || code === 'RangeError') throw error; // a bug of ours
  if (error instanceof AddressRefused) return { reason: 'AddressRefused', message: error.message, next: error.next };
  if (timeoutCodes.has(code)) return { reason: 'TimedOut', message: `${url} did not answer in time` };
  return { reason: 'Unreachable', message: `${url}: ${code}`, ...tlsNext(url, code, access) };
}

/** Who asks for a certificate and gets none may hang up before its alert has been read. */
const hungUp = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET|ERR_HTTP2_.*)$/;

const tlsNext = (url: string, code: string, access: Access | undefined): Pick<ReadFailure, 'next'> =>
  access !== undefined &&
  (/CERT|SELF_SIGNED|LEAF_SIGNATURE|SSL|TLS/.test(code) || (url.startsWith('https:') && hungUp.test(code)))
    ? { next: access.untrusted }
    : {};
