import { mayBeSet } from '../../api/redis.ts';

/**
 * Names and values of Redis' parameters: which may be set, what a server calls them, and when two texts mean one value.
 * A parameter is known here by its canonical name, the one of Redis 7 and later.
 */

const namePattern = /^[a-z][a-z0-9-]{1,63}$/;

/**
 * Never set, on top of what the API refuses: other names for the same (Valkey's, those of replication before 5), and what else decides on files, access, roles or code.
 * CONFIG SET cannot be granted for single parameters, so the user that tunes is nearly an administrator and these lists are the boundary.
 */
const denied = new RegExp(
  `^(?:${[
    'bind-.*|primary(?:auth|user)|replicaof|replica-(?:announced|serve-stale-data)|sanitize-dump-payload',
    'pidfile|daemonize|supervised|shutdown-on-.*|.*cpulist|hide-user-data-from-log|.*-enable-insecure-api',
  ].join('|')})$`,
);

/** They have fields of their own in a policy, and rules of their own. */
const typed = new Set(['maxmemory', 'maxmemory-policy']);

/** Whether the name may go to a server in CONFIG SET at all. Takes old names too. */
export function isSettable(name: string): boolean {
  const canonical = canonicalName(name);
  if (!namePattern.test(name) || denied.test(canonical)) return false;
  return typed.has(name) || (mayBeSet(name) && mayBeSet(canonical));
}

/** The name of Redis 7: `hash-max-ziplist-value` → `hash-max-listpack-value`, `slave-priority` → `replica-priority`. */
export function canonicalName(name: string): string {
  if (name === 'slaveof') return 'replicaof';
  if (name === 'lua-time-limit') return 'busy-reply-threshold';
  return name
    .replaceAll('ziplist', 'listpack')
    .replace(/^slave-/, 'replica-')
    .replace(/^min-slaves-/, 'min-replicas-');
}

/** What servers may call it, the canonical name first. Which one this server knows only CONFIG GET tells, no version number does. */
export function serverNames(canonical: string): readonly string[] {
  const old = canonical
    .replaceAll('listpack', 'ziplist')
    .replace(/^replica-/, 'slave-')
    .replace(/^busy-reply-threshold$/, 'lua-time-limit');
  return old === canonical ? [canonical] : [canonical, old];
}

/**
 * Whether two texts mean one value of this parameter: units, blanks, case, the order of `save` points, and for `client-output-buffer-limit` only the classes that are wanted.
 *
 * @param actual As CONFIG GET gave it.
 */
export function meansSame(name: string, wanted: string, actual: string): boolean {
  if (name === 'save') return savePoints(wanted).toSorted().join() === savePoints(actual).toSorted().join();
  if (name === 'client-output-buffer-limit') {
    const there = bufferLimits(actual);
    return [...bufferLimits(wanted)].every(([kind, limit]) => there.get(kind) === limit);
  }
  return plain(wanted) === plain(actual);
}

/**
 * The text to send: sizes as plain bytes, since Redis reads `1g` as 10^9 and wraps around silently where a number is too large; single blanks, since it refuses two.
 *
 * @param actual As CONFIG GET gave it; only where it is a number a size is turned into one.
 * @throws {RangeError} for a value that this parameter can never have.
 */
export function render(name: string, wanted: string, actual: string): string {
  if (name === 'save') return renderSave(wanted);
  if (name === 'client-output-buffer-limit') {
    return [...bufferLimits(wanted)].map(([kind, limit]) => `${kind} ${limit}`).join(' ');
  }
  // Another operator may write it into a file, a line for each parameter.
  if (/\p{Cc}/u.test(wanted.trim())) throw new RangeError('a value of one line');
  const number = integer(wanted);
  if (number !== undefined && Math.abs(number) > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`${wanted} is larger than any server's memory`);
  }
  return number !== undefined && integer(actual) !== undefined ? String(number) : wanted.trim();
}

function renderSave(wanted: string): string {
  const figures = wanted.trim() === '' ? [] : wanted.trim().split(/\s+/);
  if (figures.length % 2 !== 0 || figures.some((figure) => !/^[1-9][0-9]{0,9}$/.test(figure))) {
    throw new RangeError('save takes pairs of seconds and changes, for example "900 1 300 10", or "" for none');
  }
  return figures.join(' ');
}

/** `900 1 300 10` → [`900 1`, `300 10`]: the order in which they stand means nothing. */
function savePoints(text: string): readonly string[] {
  return (
    text
      .trim()
      .match(/\S+(?:\s+\S+)?/g)
      ?.map((pair) => pair.replace(/\s+/, ' ')) ?? []
  );
}

/** Hard limit, soft limit and soft seconds by class of client. Servers still read the class `replica` back as `slave`. */
function bufferLimits(text: string): ReadonlyMap<string, string> {
  const words = text.trim().toLowerCase().split(/\s+/);
  const limits = new Map<string, string>();
  for (let at = 0; at + 3 < words.length; at += 4) {
    const [kind = '', ...limit] = words.slice(at, at + 4);
    limits.set(kind === 'slave' ? 'replica' : kind, limit.map(plain).join(' '));
  }
  return limits;
}

const plain = (text: string): string => String(integer(text) ?? text.trim().toLowerCase());

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 2 ** 10,
  ki: 2 ** 10,
  m: 1e6,
  mb: 2 ** 20,
  mi: 2 ** 20,
  g: 1e9,
  gb: 2 ** 30,
  gi: 2 ** 30,
};

/** A whole number with a unit of Redis (`64mb`, `1g`) or of Kubernetes (`64Mi`), where the two agree; undefined for anything else. */
function integer(text: string): number | undefined {
  const [, figure, unit = ''] = /^(-?[0-9]+)([a-z]*)$/.exec(text.trim().toLowerCase()) ?? [];
  const factor = units[unit];
  return figure === undefined || factor === undefined ? undefined : Number(figure) * factor;
}
