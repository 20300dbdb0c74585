import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy in front of a server, for everything that a network does to a connection. It does not look into what it carries. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Connections that are open carry nothing more, and nobody is told. New ones work. */
  stall(): void;
  /** After so many more bytes from the server each open connection is reset, wherever in a message that is. */
  cutAfter(bytes: number): void;
  /** Resets all connections and every new one. */
  refuse(): void;
  /** New connections work again. */
  accept(): void;
  /** New connections are accepted and carry nothing. */
  swallow(): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  left: number;
  isStalled: boolean;
}

export async function startProxy(target: URL): Promise<Proxy> {
  const pairs = new Set<Pair>();
  let mode: 'accept' | 'refuse' | 'swallow' = 'accept';
  const reset = ({ client, server }: Pair) => {
    client.resetAndDestroy();
    server.destroy();
  };
  const listener = createServer((client) => {
    if (mode === 'refuse') {
      client.on('error', ignore).resetAndDestroy();
      return;
    }
    const server = connect(Number(target.port), target.hostname);
    const pair: Pair = { client, server, left: Infinity, isStalled: mode === 'swallow' };
    pairs.add(pair);
    client.on('data', (bytes) => pair.isStalled || server.write(bytes));
    server.on('data', (bytes) => {
      if (pair.isStalled) return;
      client.write(bytes.subarray(0, Math.min(pair.left, bytes.length)));
      pair.left -= bytes.length;
      if (pair.left <= 0) reset(pair);
    });
    for (const [one, other] of [[client, server] as const, [server, client] as const]) {
      one.on('error', ignore);
      one.on('close', () => {
        pairs.delete(pair);
        if (!pair.isStalled) other.destroy();
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const each = (act: (pair: Pair) => void) => {
    for (const pair of pairs) act(pair);
  };
  return {
    url: `${target.protocol}//127.0.0.1:${port}`,
    stall: () => each((pair) => (pair.isStalled = true)),
    cutAfter: (bytes) => each((pair) => (pair.left = bytes)),
    refuse: () => {
      mode = 'refuse';
      each(reset);
    },
    accept: () => {
      mode = 'accept';
    },
    swallow: () => {
      mode = 'swallow';
      each((pair) => (pair.isStalled = true));
    },
    [Symbol.asyncDispose]: async () => {
      each(reset);
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** What goes wrong on a connection is the point of this proxy; both ends see it. */
function ignore(): void {}
