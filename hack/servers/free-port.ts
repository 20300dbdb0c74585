import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems take for outgoing connections (Linux from 32768): a program that needs half a minute to start finds its port still free. */
const [lowest, highest] = [12_000, 32_000];
/** Each worker of jest has ports of its own: two that are free to both would be taken twice. */
const [workers, worker] = [4, Number(process.env['JEST_WORKER_ID'] ?? 1) % 4];
const given = new Set<number>();

/** A TCP port that was free on `host` a moment ago: whoever gets it still has to cope with EADDRINUSE. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = randomInt(lowest / workers, highest / workers) * workers + worker;
    if (given.has(port)) continue;
    const server = createServer().listen(port, host);
    try {
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
      given.add(port);
      return port;
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
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
