import type { Writable } from 'node:stream';

/** Says what is being done and how long it took. */
export interface Progress {
  /** Runs `work` as a step with a name. `detail` is called when a line is due, every quarter of a minute of a long step. */
  step<T>(name: string, work: () => Promise<T>, detail?: () => string): Promise<T>;
  line(text: string): void;
}

const heartbeatMs = 15_000;

/** @param signal What stops the steps: one that ended with it was stopped and has not failed, for nothing was wrong with it. */
export function progressOn(out: Pick<Writable, 'write'>, signal?: AbortSignal): Progress {
  const line = (text: string): void => {
    out.write(`${text}\n`);
  };
  return {
    line,
    async step(name, work, detail) {
      const started = performance.now();
      const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
      const heartbeat = setInterval(() => {
        line(`    ${name}: ${[detail?.(), seconds()].filter((part) => part !== undefined && part !== '').join(', ')}`);
      }, heartbeatMs);
      try {
        const result = await work();
        line(`  ${name}: ${seconds()}`);
        return result;
      } catch (error) {
        line(`  ${name}: ${signal?.aborted === true ? 'stopped' : 'failed'} after ${seconds()}`);
        throw error;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}

/** For callers that want no account, such as tests. */
export const silent: Progress = { step: (_name, work) => work(), line: () => undefined };
