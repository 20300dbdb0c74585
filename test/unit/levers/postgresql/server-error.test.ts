import { expect, test } from '@jest/globals';
import { serverProblem, sqlState, withoutSecrets } from '../../../../operator/levers/postgresql/server-error.ts';

const error = (message: string, more: object = {}) => Object.assign(new Error(message), more);

test.each([
  [error('password authentication failed for user "genops"', { code: '28P01' }), 'AuthenticationFailed'],
  [error('no pg_hba.conf entry for host "10.0.0.1"', { code: '28000' }), 'AuthenticationFailed'],
  [error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string'), 'AuthenticationFailed'],
  [error('database "shop" does not exist', { code: '3D000' }), 'SecretInvalid'],
  [error('ALTER SYSTEM is not allowed in this environment', { code: '0A000' }), 'AlterSystemOff'],
  [error('could not open file "postgresql.auto.conf": Permission denied', { code: '42501' }), 'AlterSystemOff'],
  [error('permission denied for function pg_reload_conf', { code: '42501' }), 'PermissionDenied'],
  [error('sorry, too many clients already', { code: '53300' }), 'Busy'],
  [error('the database system is starting up', { code: '57P03' }), 'Busy'],
  [error('unsupported startup parameter: options', { code: '08P01' }), 'PoolerInBetween'],
  [error('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'Unreachable'],
  [error('The server does not support SSL connections'), 'Unreachable'],
  [error('connect ECONNREFUSED 10.0.0.1:5432', { code: 'ECONNREFUSED' }), 'Unreachable'],
  [error('timeout expired'), 'Unreachable'],
  [error('write EPIPE', { code: 'EPIPE' }), 'Unreachable'],
  [error('Query read timeout'), 'Unreachable'],
  [error('disk full', { code: '53100', severity: 'ERROR' }), 'Failed'],
  [error('no DDL while we freeze', { code: 'U0001', severity: 'ERROR' }), 'Failed'], // RAISE … USING ERRCODE
])('%s means %s', (cause, reason) => {
  expect(serverProblem(cause, 'pg.ai.svc:5432')).toMatchObject({
    reason,
    message: expect.stringMatching(/^saw .*pg\.ai\.svc:5432.*; wanted /),
  });
});

test.each(['role "genops"', 'database "shop"'])(
  'a limit of the %s does not pass by itself, and is told as such',
  (of) => {
    const refusal = error(`too many connections for ${of}`, { code: '53300', severity: 'FATAL' });
    expect(serverProblem(refusal, 'pg.ai.svc:5432')).toMatchObject({
      reason: 'Busy',
      message: expect.stringMatching(
        /where it lasts, raise that limit \(ALTER ROLE or ALTER DATABASE … CONNECTION LIMIT/,
      ),
    });
  },
);

test('nothing of the Secret, and nothing that the library attaches, is left in an error; the server’s hint is', () => {
  const seen = error('no such user as s3cret', {
    code: '22023',
    severity: 'ERROR',
    hint: 'Valid units are "B".',
    client: { password: 's3cret' },
  });
  const plain = withoutSecrets(seen, ['s3cret']);
  expect(plain.message).toBe('no such user as *** (Valid units are "B".)');
  expect(sqlState(plain)).toBe('22023');
  expect(JSON.stringify([Object.entries(plain), plain.stack])).not.toContain('s3cret');
});

test.each([
  { code: '57014', severity: 'ERROR', is: '57014' },
  { code: 'U0001', severity: 'ERROR', is: 'U0001' },
  { code: 'EPIPE', is: '' },
  { code: 'ECONNRESET', is: '' },
])('$code of severity $severity is SQLSTATE "$is"', ({ is, ...more }) => expect(sqlState(error('no', more))).toBe(is));
