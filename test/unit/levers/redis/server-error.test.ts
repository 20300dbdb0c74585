import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { Problem } from '../../../../operator/api/problem.ts';
import { isForbidden, isUnanswered, serverProblem } from '../../../../operator/levers/redis/server-error.ts';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const network = (code: string, message = `connect ${code}`) => Object.assign(new Error(message), { code });

describe('serverProblem()', () => {
  test.each([
    ['WRONGPASS invalid username-password pair or user is disabled.', 'AuthenticationFailed'],
    ['NOAUTH Authentication required.', 'AuthenticationFailed'],
    ['ERR AUTH <password> called without any password configured for the default user.', 'AuthenticationFailed'],
    ["NOPERM User genops has no permissions to run the 'info' command", 'PermissionDenied'],
    ['DENIED Redis is running in protected mode because protected mode is enabled', 'ProtectedMode'],
    ['LOADING Redis is loading the dataset in memory', 'Busy'],
    ['BUSY Redis is busy running a script.', 'Busy'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'Busy'],
    ['ERR max number of clients reached', 'Busy'],
    ['ERR something else', 'Failed'],
  ])('a server that says "%s" is %s', (message, reason) => {
    expect(serverProblem(reply(message), 'cache:6379')).toMatchObject({
      reason,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    [network('ECONNREFUSED'), 'ECONNREFUSED'],
    [network('ENOTFOUND', 'getaddrinfo ENOTFOUND cache'), 'ENOTFOUND'],
    [new Error('Command timed out'), 'Command timed out'],
    [network('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), 'ca.crt'],
    [network('ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname does not match'), 'ca.crt'],
  ])('%s is Unreachable, and the message says %s', (error, text) => {
    expect(serverProblem(error, 'cache:6379')).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining(text),
    });
  });

  test('keeps the cause without the arguments of the command, which hold the password', () => {
    const error = Object.assign(reply('WRONGPASS no'), { command: { name: 'auth', args: ['genops', 's3cret'] } });
    const problem = serverProblem(error, 'cache:6379');
    expect(problem.cause).toMatchObject({ message: 'WRONGPASS no' });
    expect(inspect(problem, { depth: 9 })).not.toContain('s3cret');
  });

  test('a Problem stays what it is, and what is no error is a bug', () => {
    const problem = new Problem('Busy', { saw: 'a', wanted: 'b' });
    expect(serverProblem(problem, 'cache:6379')).toBe(problem);
    expect(() => serverProblem('text', 'cache:6379')).toThrow('text');
  });
});

test.each([
  [reply("NOPERM User genops has no permissions to run the 'config|set' command"), true, false],
  [reply("ERR unknown command 'CONFIG', with args beginning with: 'GET' 'maxmemory' "), true, false],
  [reply("ERR Unknown subcommand or wrong number of arguments for 'SET'. Try CONFIG HELP."), false, false],
  [new Error('Command timed out'), false, true],
  [new Error('Connection is closed.'), false, true],
])('%s: forbidden %s, unanswered %s', (error, forbidden, unanswered) => {
  expect([isForbidden(error), isUnanswered(error)]).toEqual([forbidden, unanswered]);
});
