import { describe, expect, test } from '@jest/globals';
import { postgresAddress } from '../../../../operator/levers/postgresql/address.ts';

const secret = { namespace: 'ai', name: 'postgres' };
const read = (keys: Readonly<Record<string, string>>) =>
  postgresAddress(Object.fromEntries(Object.entries(keys).map(([key, text]) => [key, Buffer.from(text)])), secret);

describe('postgresAddress()', () => {
  test('an URI, decoded; a short host is a Service of the Secret’s namespace', () => {
    expect(read({ uri: 'postgresql://gen%40ops:p%2Fw@pg:6432/shop?sslmode=disable' })).toEqual({
      host: 'pg.ai.svc',
      port: 6432,
      user: 'gen@ops',
      password: 'p/w',
      database: 'shop',
      label: 'pg.ai.svc:6432',
    });
  });

  test('keys, under any of their names; the database is the role’s where none is named', () => {
    expect(read({ host: '::1', user: 'genops', password: 'x\n' })).toEqual({
      host: '::1',
      port: 5432,
      user: 'genops',
      password: 'x',
      database: 'genops',
      label: '[::1]:5432',
    });
    expect(read({ host: 'db.example.com', username: 'a', dbname: 'shop' })).toMatchObject({
      user: 'a',
      database: 'shop',
    });
    expect(read({ url: 'postgres://db.example.com/shop', username: 'a', password: 'b' })).toMatchObject({
      user: 'a',
      password: 'b',
    });
  });

  test.each([
    [{}, undefined],
    [{ sslmode: 'prefer', 'ca.crt': 'ca' }, undefined],
    [{ sslmode: 'require' }, 'Nobody'],
    [{ sslmode: 'require', 'ca.crt': 'ca' }, 'Authority'],
    [{ sslmode: 'verify-ca', 'ca.crt': 'ca' }, 'Authority'],
    [{ sslmode: 'verify-full' }, 'Host'],
    [{ 'ca.crt': 'ca' }, 'Host'],
  ])('with %j the certificate is verified by %s', (keys, verify) => {
    expect(read({ host: 'pg', user: 'a', ...(keys as Record<string, string>) }).tls?.verify).toBe(verify);
  });

  test.each([
    [{}, 'SecretNotFound', /neither uri nor host/],
    [{ host: 'pg' }, 'SecretNotFound', /neither uri nor username/],
    [{ uri: 'mysql://u:hidden@h/d' }, 'SecretInvalid', /no address of one PostgreSQL/],
    [{ uri: 'postgresql://u:hidden@a,b:1,c/d' }, 'SecretInvalid', /no address of one PostgreSQL/],
    [{ uri: 'postgresql://u:hidden%@h/d' }, 'SecretInvalid', /% that encodes nothing/],
    [{ host: '/hidden/run', user: 'a' }, 'SecretInvalid', /a host that is no name and no address/],
    [{ host: 'pg', user: 'a', port: 'hidden' }, 'SecretInvalid', /a port that is none/],
    [{ host: 'pg', user: 'a', sslmode: 'hidden' }, 'SecretInvalid', /a sslmode/],
    [{ host: 'pg', user: 'a\0options\0-c hidden=1' }, 'SecretInvalid', /a NUL/],
    [{ host: 'pg', user: 'a', password: 'hidden\0' }, 'SecretInvalid', /a NUL/],
    [{ host: 'pg', user: 'a', password: 'x\0hidden' }, 'SecretInvalid', /a NUL/],
    [{ uri: 'postgresql://a@h/d%00hidden' }, 'SecretInvalid', /a NUL/],
  ])('%j is a Problem that holds nothing of the Secret', (keys, reason, message) => {
    const failure = (() => {
      try {
        return read(keys);
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(message) });
    expect(String((failure as Error).stack)).not.toContain('hidden');
  });
});
