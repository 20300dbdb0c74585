import { describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../../operator/metrics/address-guard.ts';

describe('createAddressGuard()', () => {
  const guard = createAddressGuard();
  test.each(['10.244.1.7', '192.168.3.4', '100.64.0.1', 'fd00::7', '2001:db8::1'])('lets %p through', (address) => {
    expect(guard(address)).toBe(true);
  });
  test.each([
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    'localhost',
    'metadata.google.internal',
    '',
    '10.0.0.1:80',
    '2130706433',
  ])('refuses %p', (address) => {
    expect(guard(address)).toBe(false);
  });
  test('is widened by networks, and by nothing else', () => {
    const wide = createAddressGuard({ widen: ['127.0.0.0/8', 'fe80::/10'] });
    expect([wide('127.0.0.1'), wide('fe80::1'), wide('169.254.169.254'), wide('::1')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  test.each(['127.0.0.1', '127.0.0.0/33', 'x/8', '10.0.0.0/'])('refuses %p as a network', (network) => {
    expect(() => createAddressGuard({ widen: [network] })).toThrow(RangeError);
  });
});
