import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What happens to the first request that holds `word`, once `arm` was called: it is lost, or only its answer is. Everything else passes. */
type Loss = 'Request' | 'Answer';

export interface WithholdingProxy extends AsyncDisposable {
  readonly port: number;
  arm(word: string, loss: Loss): void;
}

/** A TCP proxy on loopback that loses one request or its answer and keeps the connection open: a network or a server that hangs at the worst moment. */
export async function withholdingProxy(targetPort: number): Promise<WithholdingProxy> {
  const sockets = new Set<Socket>();
  let armed: { word: string; loss: Loss } | undefined;
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    let mute = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (data) => {
      const loss = armed !== undefined && data.includes(armed.word) ? armed.loss : undefined;
      if (loss !== undefined) armed = undefined;
      mute ||= loss !== undefined;
      if (loss !== 'Request') upstream.write(data);
    });
    upstream.on('data', (data) => mute || client.write(data));
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    arm: (word, loss) => {
      armed = { word, loss };
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
