import { expect, test } from '@jest/globals';
import { countOf, keyCounts, parseInfo } from '../../../../operator/levers/redis/info.ts';

const text =
  '# Memory\r\nused_memory:1000\r\nmaxmemory_policy:allkeys-lru\r\nexecutable:/usr/bin/a:b\r\n\r\n# Keyspace\r\ndb0:keys=12,expires=10,avg_ttl=0\r\ndb3:keys=5,expires=5,avg_ttl=7,subexpiry=0\r\n';

test('reads fields, and a value with a colon whole', () => {
  const info = parseInfo(text);
  expect(info.get('maxmemory_policy')).toBe('allkeys-lru');
  expect(info.get('executable')).toBe('/usr/bin/a:b');
  expect([countOf(info, 'used_memory'), countOf(info, 'evicted_keys')]).toEqual([1000, 0]);
});

test('counts keys without expiry over all databases (12 - 10 and 5 - 5)', () => {
  expect(keyCounts(parseInfo(text))).toEqual({ keys: 17, withoutExpiry: 2 });
  expect(keyCounts(parseInfo(''))).toEqual({ keys: 0, withoutExpiry: 0 });
});
