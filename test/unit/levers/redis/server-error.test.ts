import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { Problem } from '../../../../operator/api/problem.ts';
import {
  isForbidden,
  isUnanswered,
  serverProblem,
  withoutArguments,
} from '../../../../operator/levers/redis/server-error.ts';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
/** Everything of an error that a log could print. */
const shown = (error: Error) => `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
const network = (code: string, message = `connect ${code}`) => Object.assign(new Error(message), { code });

describe('serverProblem()', () => {
  test.each([
    ['WRONGPASS invalid username-password pair or user is disabled.', 'AuthenticationFailed'],
    ['NOAUTH Authentication required.', 'AuthenticationFailed'],
    ['ERR AUTH <password> called without any password configured for the default user.', 'AuthenticationFailed'],
    ["NOPERM User genops has no permissions to run the 'info' command", 'PermissionDenied'],
    ['DENIED Redis is running in protected mode because protected mode is enabled', 'ProtectedMode'],
    ['LOADING Redis is loading the dataset in memory', 'Loading'],
    ['BUSY Redis is busy running a script.', 'Busy'],
    ['ERR max number of clients reached', 'NoConnectionLeft'],
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

  test.each([
    "ERR unknown command 'auth', with args beginning with: 'hunter2' ",
    "ERR unknown command 'hello', with args beginning with: '3' 'AUTH' 'genops' 'hunter2' ",
    'ERR unknown command `AUTH`, with args beginning with: `hunter2`, ',
    "ERR unknown command 'CONFIG', with args beginning with: 'SET' 'requirepass' 'hunter2' ",
    "ERR unknown command 'auth', with args beginning with: 'two\nlines hunter2' ",
    "ERR Syntax error in HELLO option 'hunter2'",
    'ERR no route for redis://genops:hunter2@cache:6379/0',
  ])('shows nothing of the arguments that "%s" repeats', (message) => {
    const error = Object.assign(reply(message), { command: { name: 'auth', args: ['hunter2'] } });
    const problem = serverProblem(error, 'cache:6379');
    expect(problem.message).toContain('ERR');
    expect(shown(problem)).not.toContain('hunter2');
  });

  test('a Problem stays what it is, and what is no error is a bug', () => {
    const problem = new Problem('Busy', { saw: 'a', wanted: 'b' });
    expect(serverProblem(problem, 'cache:6379')).toBe(problem);
    expect(() => serverProblem('text', 'cache:6379')).toThrow('text');
  });
});

describe('withoutArguments()', () => {
  test('hides a secret in whatever words it is repeated, also in the stack', () => {
    const error = Object.assign(reply('ERR proxy: upstream refused AUTH hunter2 (hunter2)'), {
      command: { name: 'auth', args: ['hunter2'] },
    });
    const plain = withoutArguments(error, ['hunter2']);
    expect(plain.message).toBe('ERR proxy: upstream refused AUTH *** (***)');
    expect(plain).toMatchObject({ name: 'ReplyError', stack: expect.stringContaining('server-error.test.ts') });
    expect(shown(plain)).not.toContain('hunter2');
  });

  test('keeps what a network error says, its code too, and takes no empty secret for one', () => {
    const plain = withoutArguments(network('ECONNREFUSED'), ['']);
    expect(plain).toMatchObject({ message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' });
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
