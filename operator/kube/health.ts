import type { Collection } from './collection.ts';
import type { Loop } from './loop.ts';

export interface HealthCheck {
  readonly name: string;
  /** What is wrong; undefined when nothing is. */
  problem(): string | undefined;
}

/** Readiness: each collection has been listed and is being fed. */
export function synced(collection: Pick<Collection<unknown>, 'name' | 'problem'>): HealthCheck {
  return { name: `synced-${collection.name}`, problem: () => collection.problem() };
}

/** Liveness: the loop takes keys. A single stuck reconcile is told, but a restart is called for only when all places are lost to them. */
export function alive(loop: Pick<Loop, 'name' | 'isAlive' | 'stuck'>): HealthCheck {
  return {
    name: `loop-${loop.name}`,
    problem: () => (loop.isAlive() ? undefined : `takes no more keys; stuck: ${[...loop.stuck].join(', ') || 'none'}`),
  };
}

/** As the API server's own /readyz?verbose: one line a check. */
export function healthReport(checks: Iterable<HealthCheck>): { readonly healthy: boolean; readonly text: string } {
  const results = Array.from(checks, (check) => ({ name: check.name, problem: check.problem() }));
  const lines = results.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  return { healthy: results.every(({ problem }) => problem === undefined), text: `${lines.join('\n')}\n` };
}
