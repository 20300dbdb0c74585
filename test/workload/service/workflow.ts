import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { lognormal, type Random } from '../random.ts';
import { readBody, type Answer } from './answer.ts';
import type { Backends } from './backends.ts';
import type { Metrics } from './metrics.ts';
import type { Recent } from './recent.ts';
import { readShape, type Settings, type WorkflowShape } from './settings.ts';
import { QueueFull, type Slots } from './slots.ts';

const route = '/api/workflow';

interface Deps {
  readonly settings: Settings;
  readonly slots: Slots;
  readonly backends: Pick<Backends, 'compute' | 'askModel'>;
  readonly metrics: Metrics;
  readonly recent: Recent;
  readonly random: Random;
}

/** POST /api/workflow: waits for a slot, then works. The query may change the shape: `?meanMs=800&cv=1&cpuMs=20`. */
export function workflows({ settings, slots, metrics, recent, ...deps }: Deps) {
  return async (request: IncomingMessage, query: URLSearchParams, signal: AbortSignal): Promise<Answer> => {
    const shape = readShape(Object.fromEntries(query), settings.workflow);
    if ((await readBody(request)) === undefined) return { status: 413, route, body: { error: 'at most 64 KiB' } };
    const started = performance.now();
    let failed = true;
    try {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(settings.giveUpMs)]);
      using slot = await slots.acquire(patience);
      const body = { id: randomUUID(), queuedMs: slot.waitedMs, ...(await work(shape, deps, signal)) };
      failed = false;
      return { status: 200, route, body };
    } catch (error) {
      if (!(error instanceof QueueFull) && !isAbort(error)) throw error;
      return { status: 503, route, body: { error: 'no slot became free in time' }, retryAfterSeconds: 1 };
    } finally {
      const seconds = (performance.now() - started) / 1000;
      metrics.workflowDuration.observe(seconds);
      recent.add(performance.now(), seconds, failed);
    }
  };
}

/** Some of it is CPU, the rest waiting for the model's answer. */
async function work(
  shape: WorkflowShape,
  { random, backends }: Pick<Deps, 'random' | 'backends'>,
  signal: AbortSignal,
) {
  const serviceMs = lognormal(random, shape.meanMs, shape.cv);
  const cpuMs = Math.min(shape.cpuMs, serviceMs);
  if (cpuMs > 0) await backends.compute(cpuMs, signal);
  await backends.askModel(serviceMs - cpuMs, signal);
  return { serviceMs, cpuMs };
}

function isAbort(error: unknown): boolean {
  return Error.isError(error) && (error.name === 'AbortError' || error.name === 'TimeoutError');
}
