import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Logger } from '../../kube/logger.ts';
import { answerTo } from './dns.ts';
import type { ServersByUpstream } from './upstreams.ts';

/** Tells nginx on loopback where Pods are, whenever it asks. */
export interface DnsServer extends AsyncDisposable {
  readonly port: number;
  /** From now on. */
  announce(servers: ServersByUpstream): void;
}

export async function openDnsServer(logger: Logger): Promise<DnsServer> {
  let known: ServersByUpstream = {};
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const answer = answerTo(query, known);
    if (answer !== undefined) socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('error', (error) => logger.error('DNS for nginx', { error })); // one answer is lost: it asks again
  return {
    port: socket.address().port,
    announce: (servers) => void (known = servers),
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
