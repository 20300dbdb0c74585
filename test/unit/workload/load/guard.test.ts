import { describe, expect, test } from '@jest/globals';
import { ForeignTarget, targetGuard } from '../../../workload/load/guard.ts';

const guard = targetGuard(['10.244.0.0/16', '10.96.0.0/12']);

describe('targetGuard()', () => {
  test.each([
    'http://127.0.0.1:80',
    'http://127.8.8.8',
    'http://localhost:8080',
    'http://[::1]:80',
    'http://10.244.3.7:8080',
    'http://10.111.255.255',
  ])('lets %s pass', (url) => expect(() => guard(url)).not.toThrow());

  test.each([
    'http://10.245.0.1', // the first address after the Pods' range
    'http://10.112.0.0', // and after the Services'
    'http://192.168.1.1',
    'http://example.com',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://[2001:db8::1]',
    'https://127.0.0.1', // not what it speaks
  ])('refuses %s', (url) => expect(() => guard(url)).toThrow(ForeignTarget));

  test.each(['10.0.0.0/8', '0.0.0.0/0', '10.244.0.0', 'pods/16'])('takes no range like %s', (range) =>
    expect(() => targetGuard([range])).toThrow('wanted'),
  );
});
