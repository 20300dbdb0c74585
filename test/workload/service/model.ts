import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import { readModelMs } from './settings.ts';

/** GET /api/model?ms=300: one who answers after that time. What the same image is to a service whose MODEL_URL leads here. */
export async function modelAnswer(query: URLSearchParams, signal: AbortSignal): Promise<Answer> {
  const ms = readModelMs(query);
  await delay(ms, undefined, { signal });
  return { status: 200, route: '/api/model', body: { ms } };
}
