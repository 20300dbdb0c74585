import { isProblem, Problem } from '../../api/problem.ts';
import type { AnyReason } from '../../api/reasons.ts';

/** What a server says that serves its data to nobody, or takes no writes: its settings can be read and set all the same. */
export const isOnlyOfData = (error: unknown): boolean =>
  isReply(error) && /^(?:MISCONF|MASTERDOWN)/.test(error.message);

/** What a server said no with: the first word of its answer is its code. */
export const isReply = (error: unknown): error is ReplyError => Error.isError(error) && error.name === 'ReplyError';

type ReplyError = Error & { readonly name: 'ReplyError' };

/** Not answered in time: whether the command was executed is unknown. */
export const isUnanswered = (error: unknown): boolean =>
  Error.isError(error) && (error.message === 'Command timed out' || error.message === 'Connection is closed.');

/** Whether this server refuses the command to this user, or knows no such command. */
export const isForbidden = (error: unknown): boolean =>
  isReply(error) && (error.message.startsWith('NOPERM') || /^ERR unknown command/i.test(error.message));

/** Where servers repeat what they were sent, the password of AUTH and HELLO among it; and credentials in an address. */
const echoes: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/,? with args beginning with.*/s, ''],
  [/(HELLO option).*/s, '$1'],
  [/:\/\/\S*@/g, '://***@'],
];

/**
 * The same error without the arguments of its command: neither as the server repeats them nor as ioredis attaches them (`command.args`).
 *
 * @param secrets Hidden wherever they stand: a proxy may repeat them in words of its own.
 */
export function withoutArguments(error: Error, secrets: readonly string[]): Error {
  const cut = echoes.reduce((text, [pattern, instead]) => text.replace(pattern, instead), error.message);
  const message = secrets.reduce((text, secret) => (secret === '' ? text : text.replaceAll(secret, '***')), cut);
  const frames = /\n {4}at .*/s.exec(error.stack?.replace(error.message, '') ?? '')?.[0] ?? '';
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const { name } = error;
  return Object.assign(new Error(message), { name, stack: `${name}: ${message}${frames}`, ...code });
}

type Case = readonly [pattern: RegExp, reason: AnyReason, wanted: string, next: string];

const cases: readonly Case[] = [
  [
    /^(?:WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)/,
    'AuthenticationFailed',
    'to log in',
    'put the right username and password into the Secret',
  ],
  [
    /^ERR unknown command .?auth/i,
    'AuthenticationFailed',
    'to log in',
    'give the server its command AUTH back, or take username and password out of the Secret',
  ],
  [/^NOPERM/, 'PermissionDenied', 'to read and tune the server', 'grant what docs/levers/redis.md lists (ACL SETUSER)'],
  [
    /^DENIED/,
    'ProtectedMode',
    'an answer',
    'give the server a password (requirepass or an ACL user) and put it into the Secret; protected mode answers nobody else from outside',
  ],
  [/^LOADING/, 'Loading', 'an answer', 'nothing: it is asked again'],
  [
    /^BUSY/,
    'Busy',
    'an answer',
    'nothing where the script ends by itself: it is asked again; else SCRIPT KILL or FUNCTION KILL',
  ],
  [
    /^ERR max number of clients/,
    'NoConnectionLeft',
    'a connection',
    'close idle clients (CLIENT LIST, timeout), or raise maxclients',
  ],
  [
    /CERT|certificate|self.signed|ERR_TLS|EPROTO|wrong version number/i,
    'Unreachable',
    'a TLS connection',
    'put the authority that signed the server’s certificate into the Secret as ca.crt, and use rediss:// only where the server speaks TLS',
  ],
];

/**
 * What went wrong between us and a server, as a Problem; a Problem stays what it is.
 * The original error becomes the cause, both without arguments.
 */
export function serverProblem(error: unknown, label: string): Problem {
  if (isProblem(error)) return error;
  if (!Error.isError(error)) throw error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const cause = withoutArguments(error, []);
  const saw = `"${cause.message.trim()}" from ${label}`;
  const found = cases.find(([pattern]) => pattern.test(cause.message) || (code !== '' && pattern.test(code)));
  if (found !== undefined) {
    const [, reason, wanted, next] = found;
    return new Problem(reason, { saw, wanted, next, cause });
  }
  if (isReply(error)) return new Problem('Failed', { saw, wanted: 'an answer without an error', cause });
  return new Problem('Unreachable', {
    saw: `no answer from ${label} (${code === '' ? cause.message : code})`,
    wanted: 'an answer within 1.5 s',
    next: 'check the address in the Secret, network policies and the server',
    cause,
  });
}
