import { isProblem, Problem } from '../../api/problem.ts';
import type { AnyReason } from '../../api/reasons.ts';

/** SQLSTATE of what a server said no with, also one of somebody's own (`RAISE … USING ERRCODE`); '' for anything else (the network, a time-out of ours). */
export function sqlState(error: unknown): string {
  const isAnswer = Error.isError(error) && 'severity' in error && error.severity !== undefined; // EPIPE has none
  return isAnswer && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The server does not take this value for this parameter, or does not have the parameter. */
export const isRejection = (error: unknown): boolean =>
  sqlState(error).startsWith('22') || ['42704', '55P02', '42601'].includes(sqlState(error));

/** The same error without what the library attaches to it and without secrets: a proxy may repeat them in words of its own. */
export function withoutSecrets(error: Error, secrets: readonly string[]): Error {
  const hint = 'hint' in error && typeof error.hint === 'string' ? ` (${error.hint})` : '';
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const severity = 'severity' in error && typeof error.severity === 'string' ? { severity: error.severity } : {};
  const message = secrets.reduce(
    (text, secret) => (secret === '' ? text : text.replaceAll(secret, '***')),
    `${error.message.trim()}${hint}`,
  );
  const frames = /\n {4}at .*/s.exec(error.stack?.replace(error.message, '') ?? '')?.[0] ?? '';
  return Object.assign(new Error(message), { stack: `Error: ${message}${frames}`, ...code, ...severity });
}

type Case = readonly [pattern: RegExp, reason: AnyReason, wanted: string, next: string];

/** By SQLSTATE, else by the words. */
const cases: readonly Case[] = [
  [
    /^28|client password must be/,
    'AuthenticationFailed',
    'to log in',
    'put the right username, password and sslmode into the Secret, and let pg_hba.conf admit them',
  ],
  [/^3D000/, 'SecretInvalid', 'a database that exists', 'correct dbname in the Secret'],
  [
    /^0A000|could not open file "postgresql\.auto\.conf/,
    'AlterSystemOff',
    'to set parameters with ALTER SYSTEM',
    'set them where this server is managed and postgres.mode: DryRun, or let it write postgresql.auto.conf (17 and later: allow_alter_system = on)',
  ],
  [/^42501/, 'PermissionDenied', 'to read and tune the server', 'grant what docs/levers/postgresql.md lists'],
  [
    /^too many connections for (?:role|database)/,
    'Busy',
    'a connection',
    'nothing where that passes: it is asked again; where it lasts, raise that limit (ALTER ROLE or ALTER DATABASE … CONNECTION LIMIT; the role takes up to 8)',
  ],
  [/^(?:53300|57P03|57P01|57014)/, 'Busy', 'an answer', 'nothing: it is asked again'],
  [
    /^08P01/,
    'PoolerInBetween',
    'a direct connection',
    'put the address of the server itself, not of a pooler, into the Secret',
  ],
  [
    /CERT|certificate|self.signed|ERR_TLS|EPROTO|does not support SSL/i,
    'Unreachable',
    'a TLS connection',
    'put the authority that signed the server’s certificate into the Secret as ca.crt, and a sslmode that the server has',
  ],
];

/** What went wrong between us and a server, as a Problem; a Problem stays what it is. The original error becomes the cause. */
export function serverProblem(error: unknown, label: string): Problem {
  if (isProblem(error)) return error;
  if (!Error.isError(error)) throw error;
  const state = sqlState(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const saw = `"${error.message.trim()}" from ${label}`;
  const found = cases.find(([pattern]) =>
    [state, code, error.message].some((text) => text !== '' && pattern.test(text)),
  );
  if (found !== undefined) {
    const [, reason, wanted, next] = found;
    return new Problem(reason, { saw, wanted, next, cause: error });
  }
  if (state !== '') return new Problem('Failed', { saw, wanted: 'an answer without an error', cause: error });
  return new Problem('Unreachable', {
    saw: `no answer from ${label} (${code === '' ? error.message : code})`,
    wanted: 'an answer within 1.5 s',
    next: 'check the address in the Secret, network policies and the server',
    cause: error,
  });
}
