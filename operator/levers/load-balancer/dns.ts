import { isIPv4 } from 'node:net';
import type { ServersByUpstream, UpstreamServer } from './upstreams.ts';

/**
 * As much of DNS (RFC 1035, RFC 2782) as nginx asks for: SRV records of an upstream, A records of their targets, each of which has its address in its name.
 * Names are short: one target takes 30 bytes of an answer.
 */
const zone = 'g';
/** As many as the zone of an upstream has room for. */
const mostTargets = 1_000;
/** In s: nginx looks again after it. */
const ttl = 1;

/** As it stands in nginx.conf: `server <this> service=http resolve`. */
export const upstreamHost = (upstream: string): string => `${upstream}.${zone}`;

/** Whether nginx can be told of these by DNS. */
export const isResolvable = (servers: ServersByUpstream): boolean =>
  Object.values(servers).every((all) => all.length <= mostTargets && all.every(({ address }) => isIPv4(address)));

const types = { A: 1, SRV: 33 } as const;
const internet = 1;
const codes = { none: 0, noSuchName: 3 } as const;
const truncated = 0x0200;

interface Question {
  readonly id: number;
  readonly isRecursionDesired: boolean;
  readonly name: string;
  readonly type: number;
  /** As it was asked, for the answer. */
  readonly bytes: Buffer;
}

/** The answer to a query; undefined: what came is none, and gets none. What is longer than `mostBytes` is said to be cut off, and has nothing in it: nginx asks for it by TCP. */
export function answerTo(query: Buffer, servers: ServersByUpstream, mostBytes = 65_535): Buffer | undefined {
  const question = questionIn(query);
  if (question === undefined) return undefined;
  const whole = answerOf(question, servers);
  if (whole.length <= mostBytes) return whole;
  return message(question, truncated, []);
}

/** An upstream without servers has no such name: nginx then forgets those that it had. */
function answerOf(question: Question, servers: ServersByUpstream): Buffer {
  const upstream = new RegExp(`^_http\\._tcp\\.([a-z0-9-]+)\\.${zone}$`).exec(question.name)?.[1];
  if (upstream !== undefined) {
    const targets = (Object.hasOwn(servers, upstream) ? servers[upstream] : undefined) ?? [];
    if (targets.length === 0) return message(question, codes.noSuchName, []);
    return message(question, codes.none, question.type === types.SRV ? targets.map(serviceRecord) : []);
  }
  const address = new RegExp(`^([0-9a-f]{8})\\.${zone}$`).exec(question.name)?.[1];
  if (address === undefined) return message(question, codes.noSuchName, []);
  return message(question, codes.none, question.type === types.A ? [record(types.A, Buffer.from(address, 'hex'))] : []);
}

const headerBytes = 12;

function questionIn(query: Buffer): Question | undefined {
  if (query.length < headerBytes || query.readUInt16BE(4) !== 1 || (query.readUInt16BE(2) & 0xf800) !== 0)
    return undefined;
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at] ?? 64; length > 0; length = query[at] ?? 64) {
    if (length > 63) return undefined; // a pointer, or the end: no question has one
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (query.length < at + 5) return undefined;
  return {
    id: query.readUInt16BE(0),
    isRecursionDesired: (query.readUInt16BE(2) & 0x0100) !== 0,
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    bytes: query.subarray(headerBytes, at + 5),
  };
}

function message({ id, isRecursionDesired, bytes }: Question, code: number, records: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x8480 | (isRecursionDesired ? 0x0100 : 0) | code, 2); // an answer, ours to give
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, bytes, ...records]);
}

/** All of one priority. */
function serviceRecord({ address, port, weight = 1 }: UpstreamServer): Buffer {
  const figures = Buffer.alloc(6);
  figures.writeUInt16BE(1, 0);
  figures.writeUInt16BE(weight, 2);
  figures.writeUInt16BE(port, 4);
  return record(types.SRV, Buffer.concat([figures, targetName(address)]));
}

function targetName(address: string): Buffer {
  const label = Buffer.from(address.split('.').map(Number)).toString('hex');
  return Buffer.concat(
    [label, zone].flatMap((text) => [Buffer.from([text.length]), Buffer.from(text)]).concat(Buffer.alloc(1)),
  );
}

function record(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | headerBytes, 0); // the name of the question
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(internet, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(value.length, 10);
  return Buffer.concat([head, value]);
}
