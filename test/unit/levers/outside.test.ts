import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { unknownOutside } from '../../../operator/levers/outside.ts';

const network = (code: string) => Object.assign(new Error(`getaddrinfo ${code}`), { code });
const problemOf = (host: string, code = 'ENOTFOUND') => unknownOutside(network(code), { host, port: 6379 }, {});

describe('unknownOutside()', () => {
  test.each([
    ['redis.ai.svc', 'kubectl port-forward -n ai svc/redis 6379'],
    ['redis.ai.svc.cluster.local', 'kubectl port-forward -n ai svc/redis 6379'],
    ['redis.ai.svc.example.com', 'kubectl port-forward -n ai svc/redis 6379'],
    ['redis-0.redis.ai.svc', 'kubectl port-forward -n ai pod/redis-0 6379'],
    ['redis.ai', 'kubectl port-forward -n ai svc/redis 6379'],
  ])('says that %s exists only inside the cluster, and how to reach it', (host, command) => {
    const problem = problemOf(host);
    expect(problem).toMatchObject({ reason: 'Unreachable', saw: expect.stringContaining('only inside the cluster') });
    expect(problem?.next).toContain(command);
    expect(problem?.next).toContain(`"127.0.0.1 ${host}"`);
  });

  test('blames the Secret only where the name could be one of the Internet', () => {
    expect(problemOf('redis.ai.svc')?.message).not.toContain('Secret');
    expect(problemOf('redis.ai')?.next).toContain('Secret');
  });

  test('takes a resolver that cannot ask for one that does not know', () => {
    expect(problemOf('redis.ai.svc', 'EAI_AGAIN')?.saw).toContain('EAI_AGAIN');
  });

  test.each([
    ['a name of the Internet', 'cache.example.com', 'ENOTFOUND'],
    ['a Service that was found and refuses', 'redis.ai.svc', 'ECONNREFUSED'],
    ['this machine', 'localhost', 'ENOTFOUND'],
  ])('has nothing to say of %s', (_, host, code) => {
    expect(problemOf(host, code)).toBeUndefined();
  });

  test('has nothing to say in a Pod', () => {
    const place = { host: 'redis.ai.svc', port: 6379 };
    expect(unknownOutside(network('ENOTFOUND'), place, { KUBERNETES_SERVICE_HOST: '10.96.0.1' })).toBeUndefined();
  });

  test('shows nothing of a password', () => {
    const address = { host: 'redis.ai.svc', port: 6379, password: 's3cret', label: 'redis.ai.svc:6379' };
    expect(inspect(unknownOutside(network('ENOTFOUND'), address, {}), { depth: 9 })).not.toContain('s3cret');
  });
});
