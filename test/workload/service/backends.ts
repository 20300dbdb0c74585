import { setTimeout as delay } from 'node:timers/promises';
import { openCpuPool } from '../../../operator/runtime/cpu-pool.ts';
import { openHttpPool } from '../../../operator/runtime/http-pool.ts';
import { openPostgresPool } from '../../../operator/runtime/postgres-pool.ts';
import { createQueryMonitor } from '../../../operator/runtime/query-monitor.ts';
import type { LiveSettings } from '../../../operator/runtime/settings.ts';
import { burn } from './cpu.ts';
import type { Settings } from './settings.ts';

/** What a workflow and an item need of others: threads, a model, a database. */
export interface Backends extends AsyncDisposable {
  /** Uses so much CPU time. */
  compute(cpuMs: number, signal: AbortSignal): Promise<unknown>;
  /** Waits for the model's answer. */
  askModel(ms: number, signal: AbortSignal): Promise<unknown>;
  /** Waits for a statement of the database. */
  read(ms: number, signal: AbortSignal): Promise<unknown>;
}

/** Those that the environment names; of the others there is the time that they would take. */
export function openBackends({ cpuPool, modelUrl, postgresUrl }: Settings, live: LiveSettings): Backends {
  const stack = new AsyncDisposableStack();
  let task = 0; // no two are equal: none is remembered
  return {
    compute: burn,
    askModel: wait,
    read: wait,
    ...(cpuPool && { compute: threads(live, stack, () => (task += 1)) }),
    ...(modelUrl !== undefined && { askModel: model(modelUrl, live, stack) }),
    ...(postgresUrl !== undefined && { read: database(postgresUrl, live, stack) }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const wait: Backends['read'] = (ms, signal) => delay(ms, undefined, { signal });

function threads(live: LiveSettings, stack: AsyncDisposableStack, next: () => number): Backends['compute'] {
  const filename = new URL('./cpu-thread.ts', import.meta.url).href;
  const pool = stack.use(openCpuPool<{ readonly cpuMs: number; readonly task: number }, void>(live, { filename }));
  return (cpuMs, signal) => pool.run({ cpuMs, task: next() }, signal);
}

function model(url: string, live: LiveSettings, stack: AsyncDisposableStack): Backends['askModel'] {
  const pool = stack.use(openHttpPool(live));
  return async (ms, signal) => {
    const response = await pool.fetch(`${url}?ms=${Math.round(ms)}`, { signal });
    await response.text();
    if (!response.ok) throw new Error(`the model answered ${response.status}`);
  };
}

function database(connectionString: string, live: LiveSettings, stack: AsyncDisposableStack): Backends['read'] {
  const say = (message: string, about: object): void => console.log(JSON.stringify({ message, ...about }));
  const monitor = createQueryMonitor(live, { onSlow: (slow) => say('slow statement', slow) });
  const onError = ({ message }: Error): void => say('postgresql', { error: message });
  const pool = stack.use(openPostgresPool(live, { server: { connectionString }, monitor, onError }));
  return (ms, signal) => pool.query('SELECT pg_sleep($1)', [ms / 1_000], signal);
}
