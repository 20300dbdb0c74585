import type { IncomingMessage } from 'node:http';
import { createRandom } from '../random.ts';
import type { Answer } from './answer.ts';
import type { Cache } from './cache.ts';
import { items, type Lookups } from './items.ts';
import { createMetrics } from './metrics.ts';
import { CpuMeter, Recent } from './recent.ts';
import type { Settings } from './settings.ts';
import { Slots } from './slots.ts';
import { cacheView, monitoringView } from './views.ts';
import { workflows } from './workflow.ts';

const windowMs = 60_000;
const windowEntries = 2000;

/** The generation service without its sockets: requests in, answers out. */
export function createService(settings: Settings, cache: Cache | undefined) {
  const slots = new Slots(settings.slots, settings.maxQueued);
  const metrics = createMetrics({ inFlight: () => slots.taken, queued: () => slots.waiting });
  const random = createRandom(settings.seed);
  const lookups: Lookups = { hit: 0, miss: 0, error: 0 };
  const recent = { requests: new Recent(windowEntries, windowMs), workflows: new Recent(windowEntries, windowMs) };
  const cpu = new CpuMeter(windowMs, performance.now());
  const workflow = workflows({ settings, slots, metrics, recent: recent.workflows, random });
  const item = items({ settings: settings.item, cache, metrics, lookups, random });

  return {
    registry: metrics.registry,

    /** @throws RangeError for a query that asks for the impossible; the signal's reason when the client has gone. */
    async answer(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://service');
      const asked = `${request.method} ${pathname}`;
      if (asked === 'POST /api/workflow') return workflow(request, searchParams, signal);
      if (asked === 'GET /api/monitoring/metrics') return monitoringView({ ...recent, slots, cpu, lookups });
      if (asked === 'GET /api/cache/status') return cacheView(lookups, cache);
      const id = /^GET \/api\/item\/([\w-]{1,64})$/.exec(asked)?.[1];
      if (id !== undefined) return item(id, signal);
      return { status: 404, route: 'none', body: { error: 'no such path' } };
    },

    /** Counts an answer that was sent. */
    count(method: string, { route, status, cache: result }: Answer, seconds: number): void {
      const labels = { http_request_method: method, http_route: route, http_response_status_code: status };
      metrics.httpDuration.observe(result === undefined ? labels : { ...labels, cache: result }, seconds);
      recent.requests.add(performance.now(), seconds, status >= 500);
    },
  };
}

export type Service = ReturnType<typeof createService>;
