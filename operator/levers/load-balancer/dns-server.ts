import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../../kube/logger.ts';
import { answerTo } from './dns.ts';
import type { ServersByUpstream } from './upstreams.ts';

/** Tells nginx on loopback where Pods are, whenever it asks. */
export interface DnsServer extends AsyncDisposable {
  /** For UDP, and for TCP what does not fit into a datagram. */
  readonly port: number;
  /** From now on. */
  announce(servers: ServersByUpstream): void;
}

type Answer = (query: Buffer, mostBytes?: number) => Buffer | undefined;

/** As much as nginx reads of a datagram. */
const datagramBytes = 4_096;

export async function openDnsServer(logger: Logger): Promise<DnsServer> {
  let known: ServersByUpstream = {};
  const answer: Answer = (query, mostBytes) => answerTo(query, known, mostBytes);
  const { udp, tcp, port } = await bound(answer);
  udp.on('error', (error) => logger.error('DNS for nginx', { error })); // one answer is lost: it asks again
  tcp.on('error', (error) => logger.error('DNS for nginx', { error }));
  const connections = new Set<Socket>();
  tcp.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return {
    port,
    announce: (servers) => void (known = servers),
    async [Symbol.asyncDispose]() {
      const closed = [udp, tcp].map((one) => once(one, 'close'));
      udp.close();
      tcp.close();
      for (const socket of connections) socket.destroy();
      await Promise.all(closed);
    },
  };
}

const mostTries = 20;

/** Both on one port, which the kernel chooses: somebody may have it for the other protocol. */
async function bound(
  answer: Answer,
): Promise<{ readonly udp: UdpSocket; readonly tcp: Server; readonly port: number }> {
  for (let tries = 1; ; tries += 1) {
    const udp = createSocket('udp4', (query, { port, address }) => {
      const answered = answer(query, datagramBytes);
      if (answered !== undefined) udp.send(answered, port, address);
    });
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer((socket) => answerStream(socket, answer)).listen(port, '127.0.0.1');
    try {
      await once(tcp, 'listening');
      return { udp, tcp, port };
    } catch (error) {
      udp.close();
      if (tries === mostTries) throw error;
    }
  }
}

/** Each message of a stream has its length before it, in two bytes (RFC 1035, 4.2.2). */
function answerStream(socket: Socket, answer: Answer): void {
  let rest = Buffer.alloc(0);
  socket.on('error', () => socket.destroy()); // nginx asks anew
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      const answered = answer(rest.subarray(2, end));
      rest = rest.subarray(end);
      if (answered === undefined) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answered.length);
      socket.write(Buffer.concat([length, answered]));
    }
  });
}
