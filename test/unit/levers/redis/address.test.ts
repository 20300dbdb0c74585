import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { redisAddress } from '../../../../operator/levers/redis/address.ts';

const secret = (keys: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, Buffer.from(value)]));
const read = (keys: Readonly<Record<string, string>>) => redisAddress(secret(keys), { namespace: 'ai', name: 'redis' });

describe('redisAddress()', () => {
  test.each([
    [
      'an uri',
      { uri: 'redis://app:pa%40ss@cache.ai:6380/2' },
      { host: 'cache.ai', port: 6380, username: 'app', password: 'pa@ss' },
    ],
    ['an url', { url: 'redis://cache' }, { host: 'cache.ai.svc', port: 6379 }],
    [
      'an uri with the password beside it',
      { uri: 'redis://cache', password: 'pw' },
      { host: 'cache.ai.svc', password: 'pw' },
    ],
    [
      'host and port',
      { host: 'cache', port: '6380', username: 'u', password: 'p' },
      { host: 'cache.ai.svc', port: 6380, username: 'u', password: 'p' },
    ],
    [
      'a line feed that came from echo',
      { host: 'cache\n', password: 'pw\n' },
      { host: 'cache.ai.svc', password: 'pw' },
    ],
    ['a host of this machine', { host: 'localhost' }, { host: 'localhost' }],
    ['an IPv6 address', { uri: 'redis://[::1]:6379' }, { host: '::1', label: '[::1]:6379' }],
    ['TLS by its scheme', { uri: 'rediss://cache' }, { tls: { servername: 'cache' } }],
    [
      'TLS by its authority',
      { host: 'cache', 'ca.crt': 'CA' },
      { tls: { ca: Buffer.from('CA'), servername: 'cache' } },
    ],
    ['no name to verify where the host is an address', { uri: 'rediss://10.0.0.1' }, { tls: {} }],
  ])('reads %s', (_, keys, expected) => expect(read(keys)).toMatchObject(expected));

  test('no TLS where the scheme says so, whatever lies beside it', () => {
    expect(read({ uri: 'redis://cache', 'ca.crt': 'CA' }).tls).toBeUndefined();
  });

  test.each([
    ['no address', { password: 's3cret' }, 'SecretNotFound'],
    ['another scheme', { uri: 'http://u:s3cret@cache' }, 'SecretInvalid'],
    ['no uri', { uri: 'cache:6379:s3cret' }, 'SecretInvalid'],
    ['a host and port for an uri', { uri: 's3cret' }, 'SecretInvalid'],
    ['a bare %', { uri: 'redis://u:s3cret%zz@cache' }, 'SecretInvalid'],
    ['a host of several words', { host: 'a s3cret c' }, 'SecretInvalid'],
    ['a host with its port', { host: 'cache:s3cret' }, 'SecretInvalid'],
    ['a port that is none', { host: 'cache', port: 's3cret' }, 'SecretInvalid'],
    ['a port out of range', { host: 'cache', port: '65536' }, 'SecretInvalid'],
  ])('says what is wrong with %s, without its content', (_, keys, reason) => {
    const problem = thrown(() => read(keys));
    expect(problem).toMatchObject({ reason, message: expect.stringContaining('ai/redis') });
    expect(inspect(problem, { depth: 9 })).not.toContain('s3cret');
  });
});

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
