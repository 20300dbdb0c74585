import type { RequestResult } from '../../decide/pod-work.ts';

/** What nginx tells of each request that it passed on, as a syslog datagram. Every value of it is a number or a name and an address of ours: none holds a semicolon. */
export const requestLogTag = 'g';
export const requestLogFormat = '$msec;$status;$proxy_host;$upstream_addr;$upstream_status;$upstream_response_time';

export interface LoggedRequest {
  readonly upstream: string;
  /** In order: one that could not be answered goes on to another Pod. */
  readonly tries: readonly LoggedTry[];
}

export interface LoggedTry {
  /** `address:port` */
  readonly server: string;
  readonly result: RequestResult;
  /** ms since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
}

const clientGone = '499';
const turnedAway = 429;

/** Undefined: it is no such line. Without tries where no Pod was asked. */
export function loggedRequest(datagram: string): LoggedRequest | undefined {
  const fields = datagram.slice(datagram.indexOf(` ${requestLogTag}: `) + requestLogTag.length + 3).split(';');
  const [msec = '', status, upstream = '', addresses = '', statuses = '', times = ''] = fields;
  const loggedMs = Number(msec) * 1_000;
  if (fields.length !== 6 || !(loggedMs > 0) || upstream === '') return undefined;
  const [servers, results, took] = [listIn(addresses), listIn(statuses), listIn(times)];
  const tries: LoggedTry[] = [];
  let endMs = loggedMs;
  for (let index = servers.length - 1; index >= 0; index -= 1) {
    const [server = '', seconds = Number(took[index])] = [servers[index]];
    const startMs = endMs - (Number.isFinite(seconds) ? seconds * 1_000 : 0);
    if (server.includes(':')) tries.unshift({ server, result: resultOf(results[index], status), startMs, endMs }); // else the name of an upstream of which nobody was there
    endMs = startMs;
  }
  return { upstream, tries };
}

/** nginx separates tries by commas, and internal redirects by colons. */
const listIn = (text: string): readonly string[] => text.split(/, | : /);

/** A try without an answer has the status that nginx made of it, 502 or 504; none where the client did not wait for it. */
function resultOf(status: string | undefined, ofRequest: string | undefined): RequestResult {
  const code = Number(status);
  if (code === turnedAway) return 'Shed';
  if (Number.isFinite(code)) return code >= 500 ? 'Failed' : 'Served';
  return ofRequest === clientGone ? 'Cut' : 'Failed';
}
