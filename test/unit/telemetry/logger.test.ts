import { describe, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import winston from 'winston';
import { createLogger, logFormats, type LogFormat, type Logger } from '../../../operator/telemetry/logger.ts';

/** As ioredis gives it: with the command that failed, the password of AUTH among its arguments. */
const failure = () =>
  Object.assign(new Error('no such user', { cause: new Error('the socket', { cause: 'hang-up' }) }), {
    name: 'ReplyError',
    code: 'EAUTH',
    command: { name: 'auth', args: ['hunter2'] },
  });

function written(format: LogFormat, log: (logger: Logger) => unknown): string {
  const stream = new PassThrough();
  const logger = createLogger({ level: 'info', format });
  logger.configure({ level: 'info', format: logger.format, transports: [new winston.transports.Stream({ stream })] });
  log(logger);
  return String(stream.read());
}

describe.each(logFormats)('as %s', (format) => {
  test.each<[string, (logger: Logger) => unknown]>([
    ['as a field', (logger) => logger.warn('no luck', { lever: 'redis', cause: failure() })],
    ['as the cause of a field', (logger) => logger.warn('no luck', { error: new Error('x', { cause: failure() }) })],
  ])('an error %s is printed with message, stack and causes, and with nothing that a library attached', (_, log) => {
    const line = written(format, log);
    expect(line).toMatch(/ReplyError.*no such user/s);
    expect(line).toContain('logger.test.ts');
    expect(line).toContain('the socket');
    expect(line).toContain('hang-up');
    expect(line).not.toContain('hunter2');
  });

  test('an error that is its own cause ends', () => {
    const error = new Error('round');
    error.cause = error;
    expect(written(format, (logger) => logger.warn('no luck', { error }))).toContain('round');
  });

  test('fields stay as they are', () => {
    const line = written(format, (logger) => logger.info('changed', { lever: 'redis', differences: ['a 1 → 2'] }));
    expect(line).toContain(
      format === 'json' ? '"differences":["a 1 → 2"]' : 'changed lever=redis differences=["a 1 → 2"]',
    );
  });
});

test('the fields of an error stand apart as json', () => {
  const line: unknown = JSON.parse(written('json', (logger) => logger.warn('no luck', { error: failure() })));
  expect(line).toMatchObject({
    level: 'warn',
    message: 'no luck',
    error: {
      name: 'ReplyError',
      message: 'no such user',
      code: 'EAUTH',
      cause: { message: 'the socket', cause: 'hang-up' },
    },
  });
});
