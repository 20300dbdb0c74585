import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { openDeadline } from '../../kube/deadline.ts';
import type { Logger } from '../../kube/logger.ts';
import { closingFile } from './closing.ts';
import { untilGeneration } from './generation.ts';
import { emergencies, testConfiguration } from './nginx-program.ts';
import { generationSocket, type Rendered } from './render.ts';
import { workersOf } from './workers.ts';

export type Loaded = { readonly result: 'loaded' } | Rejected;
interface Rejected {
  readonly result: 'rejected';
  readonly message: string;
  /** It does not react: there are no words of its own. */
  readonly isSilent?: true;
}

/** nginx as a child of ours. It serves what was loaded last, whatever is tried afterwards. */
export interface NginxProcess extends AsyncDisposable {
  /** Tests, swaps, starts or reloads, and waits until every new connection is accepted by it. */
  load(rendered: Rendered, signal: AbortSignal): Promise<Loaded>;
  /** Workers of earlier configurations that still end requests, and of how many configurations. */
  draining(): Promise<{ readonly workers: number; readonly generations: number }>;
  /** Resolves with how it ended, though nobody told it to. */
  readonly ended: Promise<string>;
}

export interface NginxOptions {
  readonly binary: string;
  readonly folder: string;
  /** What its requests get to end, in ms, once it is told to. */
  readonly drainMs: number;
  /** How long clients are told before a reload that their connections end, in ms. */
  readonly closingMs: number;
  readonly logger: Logger;
}

/** A reload that has not come true by then never does: nginx itself tries a port that is taken for 2.5 s. */
const loadedWithinMs = 10_000;

/** `silent`: nothing of it has been seen. `stale`: it answers, and a worker of what was before still accepts too. */
type Outcome = 'loaded' | 'silent' | 'stale';

export function openNginx(options: NginxOptions): NginxProcess {
  return new ChildNginx(options);
}

class ChildNginx implements NginxProcess {
  readonly #options: NginxOptions;
  readonly #ended = Promise.withResolvers<string>();
  #child: ChildProcess | undefined;
  #isStopping = false;
  /** Of the configuration that is in force. */
  #text = '';
  /** What it said since the last attempt to load something. */
  #said: string[] = [];
  /** Told when it says that this attempt has come to nothing. */
  #onRefusal: () => void = () => undefined;
  /** Workers of each configuration that another has taken the place of. */
  #replaced: readonly ReadonlySet<number>[] = [];

  constructor(options: NginxOptions) {
    this.#options = options;
  }

  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  async load({ text, generation }: Rendered, signal: AbortSignal): Promise<Loaded> {
    const { folder } = this.#options;
    const next = join(folder, 'next.conf');
    await writeFile(next, text);
    const refused = await testConfiguration({ ...this.#options, file: next }, signal);
    if (refused !== undefined) return { result: 'rejected', message: refused };
    await using _ = await this.#tellClients(signal); // takes a second, in which nothing else is to change
    await rename(next, this.#file);
    const before = await this.#accepting();
    this.#said = [];
    if (this.#child === undefined) await this.#start();
    else this.#child.kill('SIGHUP');
    const outcome = await this.#untilLoaded(generation, before, signal);
    if (outcome === 'loaded') {
      this.#text = text;
      this.#replaced = [...this.#replaced, before];
      return { result: 'loaded' };
    }
    await writeFile(next, this.#text);
    await rename(next, this.#file); // nginx itself went on with it; the next reload is not to find the other one
    return this.#refusal(outcome);
  }

  #refusal(outcome: 'silent' | 'stale'): Rejected {
    const seconds = loadedWithinMs / 1_000;
    const hasTaken =
      outcome === 'stale' && this.#child !== undefined && !this.#said.some((line) => line.includes('[emerg]'));
    if (hasTaken)
      return {
        result: 'rejected',
        message: `nginx has loaded it, but it is not in force after ${seconds} s: a worker of what was before still accepts connections`,
      };
    const words = emergencies(this.#said);
    if (words !== '') return { result: 'rejected', message: words };
    if (this.#child === undefined) return { result: 'rejected', message: 'nginx has ended and says nothing' };
    return {
      result: 'rejected',
      message: `the master process of nginx (${this.#child.pid}) does not react: nothing loaded and nothing said in ${seconds} s`,
      isSilent: true,
    };
  }

  async draining(): Promise<{ workers: number; generations: number }> {
    if (this.#child?.pid === undefined) return { workers: 0, generations: 0 };
    const workers = (await workersOf(this.#child.pid)).filter(({ isDraining }) => isDraining);
    this.#replaced = this.#replaced.filter((pids) => workers.some(({ pid }) => pids.has(pid)));
    return { workers: workers.length, generations: this.#replaced.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGQUIT'); // ends its requests
    const { drainMs } = this.#options;
    const timers = [
      setTimeout(() => child.kill('SIGTERM'), drainMs),
      setTimeout(() => child.kill('SIGKILL'), drainMs + 2_000),
    ];
    await gone;
    timers.forEach(clearTimeout);
  }

  get #file(): string {
    return join(this.#options.folder, 'nginx.conf');
  }

  /** Until it is disposed of each answer is the last on its connection: both generations answer for a while. */
  async #tellClients(signal: AbortSignal): Promise<AsyncDisposable> {
    const { folder, closingMs } = this.#options;
    const file = closingFile(folder);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(file, { force: true })); // also what an agent that was killed has left
    if (this.#child !== undefined && closingMs > 0) {
      await writeFile(file, '');
      await pause(closingMs, undefined, { signal });
    }
    return stack.move();
  }

  async #start(): Promise<void> {
    const { binary, folder, logger } = this.#options;
    await rm(generationSocket(folder), { force: true }); // of one that was killed
    const stdio: ['ignore', 'inherit', 'pipe'] = ['ignore', 'inherit', 'pipe'];
    // A group of its own: Ctrl-C is for us, and how nginx ends is ours to say.
    const child = spawn(binary, ['-p', folder, '-c', this.#file], { stdio, detached: true });
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#said.push(line);
      this.#said.splice(0, this.#said.length - 200);
      if (isFinal(line)) this.#onRefusal();
      logger[levelOf(line)]('nginx', { line });
    });
    child.once('exit', (code, by) => {
      this.#child = undefined;
      killGroup(child.pid); // workers outlive a master that was killed, and would keep its ports
      if (!this.#isStopping && this.#text !== '') this.#ended.resolve(by ?? `code ${code}`);
    });
    this.#child = child;
    await once(child, 'spawn');
  }

  /** All but `loaded`: it has not come true in time, or nginx has ended. */
  async #untilLoaded(generation: string, before: ReadonlySet<number>, signal: AbortSignal): Promise<Outcome> {
    using deadline = openDeadline(signal, loadedWithinMs);
    const over = new AbortController();
    const stop = (): void => over.abort();
    deadline.signal.addEventListener('abort', stop, { once: true });
    this.#child?.once('exit', stop);
    this.#onRefusal = stop;
    let outcome: Outcome = 'silent';
    try {
      const wanted = { folder: this.#options.folder, generation };
      do {
        await untilGeneration(wanted, over.signal);
        outcome = 'stale';
      } while ((await this.#accepting()).intersection(before).size > 0); // one of the old ones may only have been asleep
      return 'loaded';
    } catch (error) {
      signal.throwIfAborted();
      if (over.signal.aborted) return outcome;
      throw error;
    } finally {
      this.#child?.off('exit', stop);
      this.#onRefusal = () => undefined;
    }
  }

  async #accepting(): Promise<ReadonlySet<number>> {
    if (this.#child?.pid === undefined) return new Set();
    const workers = await workersOf(this.#child.pid);
    return new Set(workers.filter(({ isDraining }) => !isDraining).map(({ pid }) => pid));
  }
}

/** A port that is taken is tried for some seconds: it may be free by then. */
const isFinal = (line: string): boolean => line.includes('[emerg]') && !line.includes(' bind() to ');

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!Error.isError(error) || !('code' in error) || error.code !== 'ESRCH') throw error; // nobody is left
  }
}

function levelOf(line: string): 'debug' | 'info' | 'warn' | 'error' {
  if (/\[(emerg|alert|crit)\]/.test(line)) return 'error';
  if (/\[(error|warn)\]/.test(line)) return 'warn';
  return 'debug';
}
