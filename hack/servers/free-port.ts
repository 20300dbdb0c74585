import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port that was free on `host` a moment ago: whoever gets it still has to cope with EADDRINUSE. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error(`no TCP port on ${host}`);
  return address.port;
}

/** `start` on a free port; on another when somebody was faster, five times at most. */
export async function onFreePort<T>(start: (port: number) => Promise<T>, host?: string): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort(host));
    } catch (error) {
      if (attempt === 5 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}
