import { describe, expect, test } from '@jest/globals';
import { judgeRelease, type Left, type VerdictInput } from '../../../operator/reconcilers/release-verdict.ts';

const redis = (address: string | undefined, reason = 'Unreachable'): Left => ({
  unit: 'redis/cache',
  lever: 'redis',
  reason,
  message: 'saw no answer',
  wanted: [],
  address,
});
const hpa: Left = {
  unit: 'horizontal/workflow',
  lever: 'horizontal',
  reason: 'Failed',
  message: 'saw no HPA',
  wanted: [],
  address: undefined,
};
const unseen: Left = {
  unit: undefined,
  lever: undefined,
  reason: undefined,
  message: 'socket hang up',
  wanted: [],
  address: undefined,
};
const outside = redis('10.0.0.7:6379');
type Row = Partial<VerdictInput> & { readonly name: string; readonly expected: ReturnType<typeof judgeRelease> };

describe('judgeRelease()', () => {
  test.each<Row>([
    { name: 'lets go when everything is put back', left: [], expected: 'Restored' },
    { name: 'waits for a server that is down', left: [outside], waitedMs: 119_999, expected: 'Wait' },
    { name: 'gives up after two minutes', left: [outside], waitedMs: 120_000, expected: 'GiveUp' },
    { name: 'waits for a Secret that may come back', left: [redis(undefined, 'SecretNotFound')], expected: 'Wait' },
    { name: 'waits for a server of the namespace that stays', left: [redis('redis.ai.svc:6379')], expected: 'Wait' },
  ])('$name', ({ expected, ...input }) => {
    expect(judgeRelease({ left: [], namespace: 'ai', isTerminating: false, waitedMs: 0, ...input })).toBe(expected);
  });

  test.each<Row>([
    { name: 'a Service of it', left: [redis('redis.ai.svc:6379')], expected: 'GiveUp' },
    { name: 'a Service by its whole name', left: [redis('redis.ai.svc.cluster.local:6379')], expected: 'GiveUp' },
    { name: 'a Service by a short name', left: [redis('redis.ai:6379')], expected: 'GiveUp' },
    { name: 'a Pod of a headless Service', left: [redis('redis-0.redis.ai.svc:6379')], expected: 'GiveUp' },
    { name: 'a server whose Secret is gone', left: [redis('10.0.0.7:6379', 'SecretNotFound')], expected: 'GiveUp' },
    { name: 'an HPA', left: [hpa], expected: 'GiveUp' },
    { name: 'not a server elsewhere', left: [outside], expected: 'Wait' },
    { name: 'not a server of another namespace', left: [redis('redis.not-ai.svc:6379')], expected: 'Wait' },
    { name: 'not a name that only ends like it', left: [redis('redis.example.ai:6379')], expected: 'Wait' },
    { name: 'not what nobody knows', left: [unseen], expected: 'Wait' },
    { name: 'not while one of two is elsewhere', left: [hpa, outside], expected: 'Wait' },
    { name: 'after two minutes anything', left: [outside], waitedMs: 120_000, expected: 'GiveUp' },
  ])('with its namespace goes $name', ({ expected, ...input }) => {
    expect(judgeRelease({ left: [], namespace: 'ai', isTerminating: true, waitedMs: 0, ...input })).toBe(expected);
  });
});
