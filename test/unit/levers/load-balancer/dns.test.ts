import { describe, expect, test } from '@jest/globals';
import { answerTo, isResolvable } from '../../../../operator/levers/load-balancer/dns.ts';

const A = 1;
const AAAA = 28;
const SRV = 33;
const pods = {
  workflow: [
    { address: '10.0.0.1', port: 8080 },
    { address: '10.0.0.2', port: 8081, weight: 30 },
  ],
  empty: [],
};

function query(name: string, type: number): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const tail = Buffer.from([0, 0, type, 0, 1]);
  return Buffer.concat([Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, tail]);
}

/** Code and records of an answer; the question comes back as it was. */
function read(name: string, type: number) {
  const asked = query(name, type);
  const answer = answerTo(asked, pods) ?? Buffer.alloc(0);
  expect(answer.readUInt16BE(0)).toBe(0x1234);
  expect(answer.subarray(12, asked.length)).toEqual(asked.subarray(12));
  const records: string[] = [];
  for (let at = asked.length; at < answer.length; at += 12 + answer.readUInt16BE(at + 10))
    records.push(answer.subarray(at + 12, at + 12 + answer.readUInt16BE(at + 10)).toString('latin1'));
  expect(records).toHaveLength(answer.readUInt16BE(6));
  return { code: answer.readUInt16BE(2) & 15, records };
}

describe('answerTo()', () => {
  test('names the Pods of an upstream with their ports and weights, and each address by its name', () => {
    const { code, records } = read('_http._tcp.workflow.g', SRV);
    expect(code).toBe(0);
    expect(records).toEqual(['\0\x01\0\x01\x1f\x90\x080a000001\x01g\0', '\0\x01\0\x1e\x1f\x91\x080a000002\x01g\0']);
    expect(read('0a000002.g', A)).toEqual({ code: 0, records: ['\x0a\0\0\x02'] });
  });

  test.each([
    {
      name: 'an upstream without Pods: nginx forgets those that it had',
      asked: '_http._tcp.empty.g',
      type: SRV,
      code: 3,
    },
    { name: 'an upstream that there is not', asked: '_http._tcp.constructor.g', type: SRV, code: 3 },
    { name: 'another name', asked: 'example.com', type: A, code: 3 },
    { name: 'the IPv6 address of an IPv4 one', asked: '0a000002.g', type: AAAA, code: 0 },
  ])('answers at once, and with nothing, for $name', ({ asked, type, code }) => {
    expect(read(asked, type)).toEqual({ code, records: [] });
  });

  test('does not answer what is no query', () => {
    const whole = query('_http._tcp.workflow.g', SRV);
    for (let length = 0; length < whole.length; length += 1)
      expect(answerTo(whole.subarray(0, length), pods)).toBeUndefined();
    expect(answerTo(Buffer.from(answerTo(whole, pods) ?? []), pods)).toBeUndefined();
    expect(answerTo(Buffer.alloc(500, 0xff), pods)).toBeUndefined();
  });
});

const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ address: `10.0.${index >> 8}.${index & 255}`, port: 1 }));

test('isResolvable() takes as many IPv4 addresses as nginx has room for', () => {
  expect(isResolvable({ a: many(1_000), b: [] })).toBe(true);
  expect(isResolvable({ a: many(1_001) })).toBe(false);
  expect(isResolvable({ a: [{ address: 'fd00::1', port: 1 }] })).toBe(false);
});

test('an answer that does not fit into a datagram says that it is cut off, and is whole by TCP', () => {
  const asked = query('_http._tcp.a.g', SRV);
  const answered = (count: number, mostBytes?: number) => {
    const answer = answerTo(asked, { a: many(count) }, mostBytes) ?? Buffer.alloc(0);
    return { isCutOff: (answer.readUInt16BE(2) & 0x0200) !== 0, targets: answer.readUInt16BE(6) };
  };
  expect(answered(120, 4_096)).toEqual({ isCutOff: false, targets: 120 });
  expect(answered(140, 4_096)).toEqual({ isCutOff: true, targets: 0 });
  expect(answered(1_000)).toEqual({ isCutOff: false, targets: 1_000 });
});
