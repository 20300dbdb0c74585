import { describe, expect, test } from '@jest/globals';
import { anotherAddress, createAddressGuard, guardedLookup } from '../../../operator/metrics/address-guard.ts';

describe('createAddressGuard()', () => {
  const guard = createAddressGuard();
  test.each(['10.244.1.7', '192.168.3.4', '100.64.0.1', 'fd00::7', '2001:db8::1', '::ffff:10.0.0.1', '64:ff9b::a00:1'])(
    'lets %p through',
    (address) => {
      expect(guard(address)).toBe(true);
    },
  );
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
    '::ffff:a9fe:a9fe',
    '0:0:0:0:0:ffff:7f00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::127.0.0.1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'fd20:ce::254',
    '100.100.100.200',
    '168.63.129.16',
    'localhost',
    'metadata.google.internal',
    '',
    '10.0.0.1:80',
    '2130706433',
  ])('refuses %p', (address) => {
    expect(guard(address)).toBe(false);
  });
  test('refuses what it is told to besides, in any spelling', () => {
    const told = createAddressGuard({ refuse: ['10.96.0.1', 'fd00::1'] });
    expect(['10.96.0.1', '::ffff:10.96.0.1', '::ffff:a60:1', 'fd00::1', 'fd00:0::1'].map((one) => told(one))).toEqual(
      Array(5).fill(false),
    );
    expect(told('10.96.0.2')).toBe(true);
  });
  test('refuses what it is told to at one port at that port alone, in any spelling', () => {
    const told = createAddressGuard({ refuseAt: [{ address: '10.0.0.2', port: 6443 }] });
    expect([told('10.0.0.2', 6443), told('::ffff:10.0.0.2', 6443), told('10.0.0.2', 9090), told('10.0.0.3', 6443)]).toEqual([false, false, true, true]); // prettier-ignore
    const wide = createAddressGuard({ refuseAt: [{ address: '10.0.0.2', port: 6443 }], widen: ['10.0.0.0/8'] });
    expect(wide('10.0.0.2', 6443)).toBe(true);
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

describe('anotherAddress() for one that is refused', () => {
  test.each([
    { address: '127.0.0.1', next: /own machine; .* --allow-metric-address .* 127\.0\.0\.0\/8$/ },
    { address: '::1', next: /own machine/ },
    { address: '::ffff:127.0.0.1', next: /own machine/ },
    { address: '169.254.169.254', next: /of a cloud’s metadata, where machines get credentials$/ },
    { address: '::ffff:a9fe:a9fe', next: /of a cloud’s metadata/ },
    { address: 'fe80::1', next: /link-local/ },
    { address: '100.100.100.200', next: /of a cloud’s metadata/ },
    { address: '224.0.0.1', next: /of no single server$/ },
    {
      address: '10.96.0.1',
      next: /^name the source by its Service or its own address: the API server is no source of metrics$/,
    },
  ])('$address', ({ address, next }) => {
    expect(anotherAddress(address)).toMatch(next);
    expect(/--allow-metric-address/.test(anotherAddress(address))).toBe(next.source.startsWith('own'));
  });
});

describe('guardedLookup()', () => {
  const lookup = (host: string, widen: readonly string[], all = true) =>
    new Promise<unknown>((resolve) =>
      guardedLookup(createAddressGuard({ widen }), 9090)(host, { all }, (error, addresses) =>
        resolve(error === null ? addresses : { code: error.code, message: error.message }),
      ),
    );
  test('gives no address of a name that may not be dialled', async () => {
    expect(await lookup('localhost', [])).toEqual({
      code: 'ERR_ADDRESS_REFUSED',
      message: expect.stringMatching(/^localhost is .*127\.0\.0\.1.*: not an address to read metrics from$/),
    });
  });
  test('gives those that may, in either form', async () => {
    expect(await lookup('localhost', ['127.0.0.0/8'])).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await lookup('localhost', ['127.0.0.0/8'], false)).toBe('127.0.0.1');
  });
  test('asks for the port that will be dialled', async () => {
    const asked: (number | undefined)[] = [];
    const guard = (_: string, port?: number): boolean => asked.push(port) > 0;
    await new Promise<void>((resolve) => guardedLookup(guard, 6443)('localhost', { all: true }, () => resolve()));
    expect(new Set(asked)).toEqual(new Set([6443]));
  });
  test('leaves the resolver’s own errors as they are', async () => {
    expect(await lookup('no-such-name.invalid', [])).toMatchObject({
      code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
    });
  });
});
