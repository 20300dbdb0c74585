import type { IncomingMessage } from 'node:http';
import { createAdmin, type AdminOptions } from '../../../operator/runtime/admin.ts';
import { openCache, type CacheOptions } from '../../../operator/runtime/cache.ts';
import { openMemoryOptimizer } from '../../../operator/runtime/memory.ts';
import { cacheMetrics } from '../../../operator/runtime/metrics.ts';
import { openPools } from '../../../operator/runtime/pools.ts';
import { createSettings, type LiveSettings, type PushedSettings } from '../../../operator/runtime/settings.ts';
import { createRandom } from '../random.ts';
import type { Answer } from './answer.ts';
import { openBackends } from './backends.ts';
import { openDefects } from './defects.ts';
import { items } from './items.ts';
import { createMetrics, partMetrics } from './metrics.ts';
import { modelAnswer } from './model.ts';
import { CpuMeter, Recent } from './recent.ts';
import { openRedisInfo } from './redis-info.ts';
import type { Settings } from './settings.ts';
import { Slots } from './slots.ts';
import { unmanaged } from './unmanaged.ts';
import { backendsView, cacheView, monitoringView, type Lookups } from './views.ts';
import { workflows } from './workflow.ts';

const windowMs = 60_000;
const windowEntries = 2000;

/** The generation service without its sockets: requests in, answers out. `live`: the settings that it runs with, see `unmanaged`. */
export function createService(settings: Settings, live: PushedSettings = createSettings(unmanaged(settings))) {
  const { adminKey, podName } = settings;
  const slots = new Slots(settings.slots, settings.maxQueued);
  const metrics = createMetrics({ inFlight: () => slots.taken, queued: () => slots.waiting });
  const { registry } = metrics;
  const random = createRandom(settings.seed);
  const lookups: Lookups = { hit: 0, miss: 0, error: 0 };
  const recent = { requests: new Recent(windowEntries, windowMs), workflows: new Recent(windowEntries, windowMs) };
  const cpu = new CpuMeter(windowMs, performance.now());
  const pools = openPools(live);
  const cache = settings.redis && openItemCache(live, settings.redis, counting(lookups, cacheMetrics(registry)));
  const info = settings.redis && openRedisInfo(settings.redis);
  const memory = openMemoryOptimizer(live, {
    onCollect: (collection) => console.log(JSON.stringify({ message: 'garbage collected', ...collection })),
  });
  const backends = openBackends(settings, live, pools);
  const defects = openDefects(settings.defects, pools);
  const { coldCache } = settings.defects;
  const item = items({ settings: settings.item, live, cache, backends, coldCache, random });
  partMetrics(registry, { live, pools, memory, item, backends });
  const actions = {
    'collect-garbage': () => memory.collect(),
    'clear-expired-cache': () => ({ entries: cache?.purgeExpired() ?? 0 }),
    'warm-cache': async () => ({ keys: await item.warmPopular() }),
    'apply-settings': (body) => live.take(body),
  } satisfies AdminOptions['actions'];
  const workflow = workflows({ settings, slots, backends, metrics, recent: recent.workflows, random });

  return {
    registry,
    /** Undefined: it takes no admin actions. */
    admin: adminKey === undefined ? undefined : createAdmin({ key: adminKey, actions, pod: podName }),

    /** @throws RangeError for a query that asks for the impossible; the signal's reason when the client has gone. */
    async answer(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://service');
      const asked = `${request.method} ${pathname}`;
      defects.leak();
      if (asked === 'POST /api/workflow') return workflow(request, searchParams, signal);
      if (asked === 'GET /api/monitoring/metrics') return monitoringView({ ...recent, slots, cpu, lookups });
      if (asked === 'GET /api/cache/status') return cacheView(lookups, info);
      if (asked === 'GET /api/backends/status') return backendsView(backends);
      if (asked === 'GET /api/model') return modelAnswer(searchParams, signal);
      const id = /^GET \/api\/item\/([\w-]{1,64})$/.exec(asked)?.[1];
      if (id !== undefined) return item.answer(id, sessionOf(request), signal);
      return { status: 404, route: 'none', body: { error: 'no such path' } };
    },

    /** Counts an answer that was sent. */
    count(method: string, { route, status, cache: result }: Answer, seconds: number): void {
      const labels = { http_request_method: method, http_route: route, http_response_status_code: status };
      metrics.requestDuration.observe(result === undefined ? labels : { ...labels, cache: result }, seconds);
      recent.requests.add(performance.now(), seconds, status >= 500);
    },

    async [Symbol.asyncDispose]() {
      memory[Symbol.dispose]();
      defects[Symbol.dispose]();
      pools[Symbol.dispose]();
      await Promise.all([cache, info, backends].map(async (one) => one?.[Symbol.asyncDispose]()));
    },
  };
}

export type Service = ReturnType<typeof createService>;

const openItemCache = (
  live: LiveSettings,
  { host, port, username, password }: NonNullable<Settings['redis']>,
  onLookup: NonNullable<CacheOptions['onLookup']>,
) => openCache(live, { redis: { host, port, username, password }, prefix: 'item:', onLookup });

/** A miss in memory is none yet: Redis is asked then. */
const counting =
  (lookups: Lookups, count: NonNullable<CacheOptions['onLookup']>): NonNullable<CacheOptions['onLookup']> =>
  (level, result) => {
    count(level, result);
    if (level === 'l2' || result === 'hit') lookups[result] += 1;
  };

/** Who reads: said by the client, or else the one at the other end of the connection. */
const sessionOf = ({ headers, socket }: IncomingMessage): string =>
  String(headers['x-session'] ?? `${socket.remoteAddress}:${socket.remotePort}`);
