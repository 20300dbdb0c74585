import { isIPv6 } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import type { AddressGuard } from '../address-guard.ts';
import type { PodView } from '../pod-view.ts';
import { createPageReader, createPodPages, takeReading, type PodPages } from '../reading.ts';
import type { SignalMapping } from '../signals.ts';
import type { ReadFailure, ReadResult, Source } from './source.ts';

/** `components[].metrics[].pods` of the API. */
interface PodsEndpoint {
  /** Name or number of a container port. */
  readonly port: string | number;
  readonly path: string;
  readonly scheme: 'HTTP' | 'HTTPS';
}

export interface PodsSourceOptions {
  readonly endpoint: PodsEndpoint;
  readonly signals?: readonly SignalMapping[] | undefined;
  /** Shared by all sources: see {@link createScraper}. */
  readonly scraper: Dispatcher;
  readonly guard: AddressGuard;
}

const accept = 'text/plain;version=0.0.4;q=1, application/openmetrics-text;version=1.0.0;q=0.5';
const textTypes = /^(?:text\/plain|application\/openmetrics-text)\b/i;

/**
 * The connections to all Pods: kept alive, one to a Pod. Close it with `close()`.
 * A certificate of a Pod names no address that could be checked and nothing secret is sent, so it is not verified, as the kubelet does with probes.
 *
 * @param options.maxResponseBytes About 30 000 series fit into the default; what is longer is cut off and fails.
 */
export function createScraper({ maxResponseBytes = 4 * 1024 * 1024 } = {}): Agent {
  return new Agent({
    connections: 1,
    keepAliveTimeout: 60_000,
    maxResponseSize: maxResponseBytes,
    headersTimeout: 0, // each request has its own time-out by signal
    bodyTimeout: 0,
    connect: { rejectUnauthorized: false, timeout: 10_000 },
  });
}

/** Scrapes the Prometheus exposition of each Pod at its own address. Redirects are not followed. */
export function podsSource({ endpoint, signals, scraper, guard }: PodsSourceOptions): Source {
  const reader = createPageReader(signals);
  const pods = new Map<string, PodPages>();
  const pagesOf = (uid: string): PodPages => {
    const known = pods.get(uid) ?? createPodPages(reader);
    pods.set(uid, known);
    return known;
  };
  return {
    type: 'Pods',
    id: JSON.stringify(['Pods', endpoint.port, endpoint.path, endpoint.scheme, signals ?? []]),
    forget: (uid) => void pods.delete(uid),
    async read(pod, signal) {
      const address = addressOf(pod, endpoint, guard);
      if ('reason' in address) return { result: 'failed', failure: address };
      const page = await fetchPage(address.origin, endpoint.path, scraper, signal);
      if ('reason' in page) return { result: 'failed', failure: page };
      return { result: 'read', reading: takeReading(page.text, reader, pagesOf(pod.uid), page) } satisfies ReadResult;
    },
  };
}

function addressOf(
  pod: PodView,
  { port, scheme }: PodsEndpoint,
  guard: AddressGuard,
): { origin: string } | ReadFailure {
  const number = typeof port === 'number' ? port : pod.ports.find(({ name }) => name === port)?.containerPort;
  if (number === undefined) return { reason: 'NoPort', message: `Pod ${pod.name} has no container port named ${port}` };
  if (pod.ip === undefined || !guard(pod.ip))
    return {
      reason: 'AddressRefused',
      message: `address ${pod.ip ?? '(none)'} of Pod ${pod.name} is not one that a Pod can have`,
    };
  const host = isIPv6(pod.ip) ? `[${pod.ip}]` : pod.ip;
  return { origin: `${scheme.toLowerCase()}://${host}:${number}` };
}

interface FetchedPage {
  readonly text: string;
  /** When the answer began: what it says is of this moment. */
  readonly wall: number;
  readonly monotonic: number;
}

async function fetchPage(
  origin: string,
  path: string,
  scraper: Dispatcher,
  signal: AbortSignal,
): Promise<FetchedPage | ReadFailure> {
  try {
    const { statusCode, headers, body } = await scraper.request({
      origin,
      path,
      method: 'GET',
      headers: { accept },
      signal,
    });
    const at = { wall: Date.now(), monotonic: performance.now() };
    const type = headers['content-type'];
    const refused = refusal(
      `${origin}${path}`,
      statusCode,
      Array.isArray(type) ? type[0] : type,
      headers['content-encoding'],
    );
    if (refused === undefined) return { text: await body.text(), ...at };
    await body.dump({ limit: 16_384, signal });
    return refused;
  } catch (error) {
    return failureOf(`${origin}${path}`, error, signal);
  }
}

function refusal(url: string, status: number, type: string | undefined, encoding: unknown): ReadFailure | undefined {
  if (status >= 300 && status < 400)
    return { reason: 'Redirected', message: `${url} answered ${status}: redirects are not followed` };
  if (status !== 200) return { reason: 'BadStatus', message: `${url} answered ${status}` };
  if (encoding !== undefined)
    return { reason: 'NotText', message: `${url} answered in an encoding that was not asked for` };
  if (type !== undefined && !textTypes.test(type))
    return { reason: 'NotText', message: `${url} answered ${type}, not a Prometheus exposition` };
  return undefined;
}

function failureOf(url: string, error: unknown, signal: AbortSignal): ReadFailure {
  if (signal.aborted) return { reason: 'TimedOut', message: `${url} did not answer in time` };
  if (!Error.isError(error)) throw error;
  const code = 'code' in error ? String(error.code) : error.name;
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return { reason: 'TooLarge', message: `${url} answered more than the operator reads` };
  if (code === 'TypeError' || code === 'ReferenceError' || code === 'RangeError') throw error; // a bug of ours
  return { reason: 'Unreachable', message: `${url}: ${code}` };
}
