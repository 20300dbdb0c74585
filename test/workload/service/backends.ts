import { extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openCpuPool } from '../../../operator/runtime/cpu-pool.ts';
import { openHttpPool } from '../../../operator/runtime/http-pool.ts';
import { openPostgresPool } from '../../../operator/runtime/postgres-pool.ts';
import { createQueryMonitor } from '../../../operator/runtime/query-monitor.ts';
import type { ConcurrencyPools } from '../../../operator/runtime/pools.ts';
import type { LiveSettings } from '../../../operator/runtime/settings.ts';
import type { Computed, Task } from './cpu-thread.ts';
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
  /** Of the library, where the environment asks for it. */
  readonly threads: ReturnType<typeof openThreads> | undefined;
  readonly model: ReturnType<typeof openModel> | undefined;
  readonly database: ReturnType<typeof openDatabase> | undefined;
}

/** Those that the environment names; of the others there is the time that they would take. Each kind of work in its pool. */
export function openBackends(
  { cpuPool, modelUrl, postgresUrl }: Settings,
  live: LiveSettings,
  pools: ConcurrencyPools,
): Backends {
  const stack = new AsyncDisposableStack();
  const threads = cpuPool ? openThreads(live, stack) : undefined;
  const model = modelUrl === undefined ? undefined : openModel(modelUrl, live, stack);
  const database = postgresUrl === undefined ? undefined : openDatabase(postgresUrl, live, stack);
  const within =
    (name: string, work: (ms: number, signal: AbortSignal) => Promise<unknown>): Backends['read'] =>
    (ms, signal) =>
      pools.of(name).run(() => work(ms, signal), signal);
  return {
    compute: within('cpu', threads?.compute ?? burn),
    askModel: within('ai_api', model?.ask ?? wait),
    read: within('io', database?.read ?? wait),
    threads,
    model,
    database,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const wait = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });

/** So many prompts are all that is ever asked: the next is computed, unless it is remembered from its last turn. */
const prompts = 20;

/** Beside this file, and as it is: TypeScript in the checkout, a bundle in the image. */
const threadFile = new URL(`./cpu-thread${extname(import.meta.filename)}`, import.meta.url).href;

function openThreads(live: LiveSettings, stack: AsyncDisposableStack) {
  const pool = stack.use(openCpuPool<Task, Computed>(live, { filename: threadFile }));
  const seen = new WeakSet<Computed>();
  let [tasks, remembered] = [0, 0];
  return {
    pool,
    /** Since the start: those that were asked for, and those of them that no thread had to compute. */
    counts: () => ({ tasks, remembered }),
    compute: async (cpuMs: number, signal: AbortSignal): Promise<void> => {
      tasks += 1;
      const answer = await pool.run({ cpuMs, prompt: tasks % prompts }, signal);
      if (seen.has(answer)) remembered += 1;
      seen.add(answer);
    },
  };
}

function openModel(url: string, live: LiveSettings, stack: AsyncDisposableStack) {
  const pool = stack.use(openHttpPool(live));
  let answers = 0;
  return {
    pool,
    answers: () => answers,
    ask: async (ms: number, signal: AbortSignal): Promise<void> => {
      const response = await pool.fetch(`${url}?ms=${Math.round(ms)}`, { signal });
      await response.text();
      if (!response.ok) throw new Error(`the model answered ${response.status}`);
      answers += 1;
    },
  };
}

function openDatabase(connectionString: string, live: LiveSettings, stack: AsyncDisposableStack) {
  const say = (message: string, about: object): void => console.log(JSON.stringify({ message, ...about }));
  const monitor = createQueryMonitor(live, { onSlow: (slow) => say('slow statement', slow) });
  const onError = ({ message }: Error): void => say('postgresql', { error: message });
  const pool = stack.use(openPostgresPool(live, { server: { connectionString }, monitor, onError }));
  return {
    pool,
    monitor,
    read: (ms: number, signal: AbortSignal) => pool.query('SELECT pg_sleep($1)', [ms / 1_000], signal),
  };
}
