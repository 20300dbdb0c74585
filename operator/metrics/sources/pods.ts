import { isIPv6 } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import type { AddressGuard } from '../address-guard.ts';
import type { PodView } from '../pod-view.ts';
import { createPageReader, createPodPages, makeRoom, takeReading, type PageReader, type PodPages } from '../reading.ts';
import type { SignalMapping } from '../signals.ts';
import { fetchPage, type FetchedPage } from './fetch.ts';
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
const types = { pattern: /^(?:text\/plain|application\/openmetrics-text)\b/i, name: 'a Prometheus exposition' };

const openly =
  'serve it on a port where nobody is asked who he is (a Pod is read without a login or a certificate), or read a Prometheus that scrapes it, with a Secret: metrics: [{type: Prometheus, …}]';
/** Of what a Pod serves: there is no Secret for it. */
export const podAccess = { refused: openly, untrusted: openly };

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
  let made: PageReader | undefined; // at the first look: most sources are made only to be compared with the one that is there
  const pods = new Map<string, PodPages>();
  const pagesOf = (uid: string, reader: PageReader): PodPages => {
    const known = pods.get(uid) ?? createPodPages(reader);
    pods.set(uid, known);
    return known;
  };
  return {
    type: 'Pods',
    id: JSON.stringify(['Pods', endpoint.port, endpoint.path, endpoint.scheme, signals ?? []]),
    forget(uid) {
      if (pods.delete(uid) && made !== undefined) makeRoom(made, pods.values());
    },
    async read(pod, signal) {
      const address = addressOf(pod, endpoint, guard);
      if ('reason' in address) return { result: 'failed', failure: address };
      const { path } = endpoint;
      const page = await fetchPage(
        { dispatcher: scraper, ...address, path, headers: { accept }, types, access: podAccess },
        signal,
      );
      if ('reason' in page) return { result: 'failed', failure: page };
      if (isCut(page)) return { result: 'failed', failure: cutOff(`${address.origin}${path}`) };
      const reader = (made ??= createPageReader(signals));
      const pages = pagesOf(pod.uid, reader);
      const reading = takeReading(page.text, reader, pages, page);
      if (pages.dropped > 0)
        return { result: 'failed', failure: tooManySeries(`${address.origin}${path}`, pages, reader) };
      return { result: 'read', reading } satisfies ReadResult;
    },
  };
}

/** OpenMetrics ends with `# EOF`, so that a page that was cut is known; text has nothing of that kind. */
const isCut = ({ type = '', text }: FetchedPage): boolean =>
  type.toLowerCase().startsWith('application/openmetrics-text') && !text.trimEnd().endsWith('# EOF');

/** What it has not is no 0, and its last figure may lack digits. */
const cutOff = (url: string): ReadFailure => ({
  reason: 'NotUnderstood',
  message: `${url} is cut off: it says that it is OpenMetrics, and does not end with # EOF`,
  next: 'see what ends it early (a proxy, a time-out, a bound of the library that writes it), or serve text/plain; version=0.0.4, which needs no end',
});

/** What is left of such a page would be too low a figure: none is better. */
const tooManySeries = (url: string, { dropped }: PodPages, { shape }: PageReader): ReadFailure => ({
  reason: 'TooLarge',
  message: `${url} has ${dropped} samples in series beyond those that are kept: ${shape.maxSeriesOfPage} of a Pod, ${shape.maxSeries} of its component`,
  next: 'take labels with endless values (ids, paths, names of users) off the metrics that genops reads, and restart its Pods: what only Pods had that are gone is forgotten',
});

/** Where a port of a Pod is: always at the address that its kubelet has written. */
export function addressOf(
  pod: PodView,
  { port, scheme }: Pick<PodsEndpoint, 'port' | 'scheme'>,
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
