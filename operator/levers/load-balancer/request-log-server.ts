import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Logger } from '../../kube/logger.ts';
import { loggedRequest, type LoggedRequest } from './request-log.ts';

/** Hears of nginx on loopback what became of each request. */
export interface RequestLog extends AsyncDisposable {
  readonly port: number;
  /** Datagrams that the kernel had no room for, since the beginning. */
  lost(): Promise<number>;
}

/** While the agent is busy they wait here; the kernel gives less where it is told to. */
const roomBytes = 4 * 1_048_576;

export async function openRequestLog(logger: Logger, onRequest: (request: LoggedRequest) => void): Promise<RequestLog> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: roomBytes });
  socket.on('message', (datagram) => {
    const request = loggedRequest(datagram.toString('latin1'));
    if (request !== undefined) onRequest(request);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('error', (error) => logger.error('requests that nginx tells of', { error })); // one is lost
  const { port } = socket.address();
  return { port, lost: () => lostAt(port), [Symbol.asyncDispose]: () => close(socket) };
}

async function close(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}

const lostAt = async (port: number): Promise<number> => lostIn(await readFile('/proc/net/udp', 'utf8'), port);

/** Of the kernel's list of sockets the last column of the one that is bound to this port of 127.0.0.1. nginx' own sockets stand there too, with that address as the remote one. */
export function lostIn(sockets: string, port: number): number {
  const own = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = sockets.split('\n').map((line) => line.trim().split(/\s+/));
  return Number(rows.find(([, local]) => local === own)?.at(-1) ?? 0);
}
