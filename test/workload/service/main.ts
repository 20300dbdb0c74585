import { once } from 'node:events';
import { openCache } from './cache.ts';
import { listen } from './servers.ts';
import { createService } from './service.ts';
import { readSettings } from './settings.ts';

const settings = readSettings(process.env);
await using cache = settings.redis && openCache(settings.redis);
await using servers = await listen(createService(settings, cache), settings);
console.log(JSON.stringify({ message: 'listening', port: servers.port, metricsPort: servers.metricsPort }));
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
console.log(JSON.stringify({ message: 'draining' }));
await servers.drain(settings.drainMs);
