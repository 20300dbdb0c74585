/** Asks the metrics API as the API server does, at fixed times: from its first message until the second. A process of its own, or what the harness does beside would be in the figures. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

export interface AskerInput {
  readonly origin: string;
  /** Asked for in turn. */
  readonly paths: readonly string[];
  readonly perSecond: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

export interface AskerAnswer {
  /** From the time each request was due to its last byte. */
  readonly tookMs: readonly number[];
  readonly refused: number;
}

const [{ origin, paths, perSecond, tls }] = (await once(process, 'message')) as [AskerInput];
const headers = { 'x-remote-user': 'system:serviceaccount:kube-system:horizontal-pod-autoscaler' };
const tookMs: number[] = [];
let refused = 0;
const stop = new AbortController();
process.once('message', () => stop.abort());

const connections = 10;
const pool = new Pool(origin, { connect: tls, connections });
await Promise.all(Array.from({ length: connections }, () => ask(paths[0] ?? '', 0))); // the API server keeps its connections too
tookMs.length = 0;
const began = performance.now();
const running: Promise<void>[] = [];
for (let turn = 0; !stop.signal.aborted; turn++) {
  const due = began + (turn * 1_000) / perSecond;
  const earlyMs = due - performance.now();
  if (earlyMs > 0) await delay(earlyMs);
  running.push(ask(paths[turn % paths.length] ?? '', due));
}
await Promise.all(running);
await pool.close();
process.send?.({ tookMs, refused } satisfies AskerAnswer, () => process.disconnect());

async function ask(path: string, due: number): Promise<void> {
  const { statusCode, body } = await pool.request({ method: 'GET', path, headers });
  await body.text();
  tookMs.push(performance.now() - due);
  if (statusCode !== 200) refused += 1;
}
