/**
 * A workload with `genops/runtime` that holds memory which it gives back when it is asked to collect garbage: `HELD_MB` of it.
 * `ANSWER=never`: it is asked and does not answer. Each time that it is asked is a line of its output.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createAdmin, createSettings, defaultSettings, openMemoryOptimizer } from '../../operator/runtime/runtime.ts';

const { METRICS_PORT, HELD_MB = '0', ANSWER, ADMIN_KEY = '', POD_NAME } = process.env;
/** In one piece: that is pages of its own, which the kernel has back when it is freed, whatever the allocator keeps for itself. */
const held = [Buffer.alloc(Number(HELD_MB) * 2 ** 20, 1)];
const memory = openMemoryOptimizer(createSettings(defaultSettings));

function collect() {
  console.log('asked to collect');
  if (ANSWER === 'never') return new Promise<never>(() => undefined);
  const beforeBytes = process.memoryUsage.rss();
  if (HELD_MB === '0') return { beforeBytes, afterBytes: beforeBytes, freedBytes: 0, heapFreedBytes: 0 };
  held.length = 0;
  return memory.collect();
}

const admin = createAdmin({ key: ADMIN_KEY, pod: POD_NAME, actions: { 'collect-garbage': collect } });
const server = createServer((request, response) => {
  const { method = '', url = '', headers } = request;
  if (url === '/metrics') {
    response.end(`process_resident_memory_bytes ${process.memoryUsage.rss()}\n`);
    return;
  }
  void text(request)
    .then((body) => admin.answer({ method, path: url, headers, body }))
    .then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
});
server.listen(Number(METRICS_PORT));
await once(server, 'listening');
