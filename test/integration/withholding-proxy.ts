import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/** What happens to the first request that holds `word`, once `arm` was called: it is lost, or only its answer is, or it goes on once something else has happened. Everything else passes. */
type Loss = 'Request' | 'Answer' | (() => Promise<void>);

export interface WithholdingProxy extends AsyncDisposable {
  readonly port: number;
  arm(word: string, loss: Loss): void;
  /** Resolves when what was armed has come to pass: of an answer, when the server has given it; of what else was to happen, when it has. */
  readonly lost: Promise<void>;
}

/**
 * A TCP proxy on loopback that loses one request or its answer, with all that follows on that connection, and keeps it open: a network or a server that hangs at the worst moment.
 *
 * @param dial Connects to the server: with TLS, what comes in plain goes on encrypted.
 */
export async function withholdingProxy(dial: () => Socket): Promise<WithholdingProxy> {
  const sockets = new Set<Socket>();
  const lost = Promise.withResolvers<void>();
  let armed: { word: string; loss: Loss } | undefined;
  const server = createServer((client) => {
    const upstream = dial();
    let withheld: Loss | undefined;
    const passOnAfter = async (happens: () => Promise<void>, data: Buffer): Promise<void> => {
      client.pause();
      await happens();
      upstream.write(data);
      client.resume();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (data: Buffer) => {
      if (armed !== undefined && data.includes(armed.word)) {
        const { loss } = armed;
        armed = undefined;
        if (typeof loss === 'function') {
          passOnAfter(loss, data).then(lost.resolve, lost.reject);
          return;
        }
        withheld = loss;
      }
      if (withheld === 'Request') lost.resolve();
      else upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (withheld === undefined) client.write(data);
      else lost.resolve();
    });
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
    lost: lost.promise,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
