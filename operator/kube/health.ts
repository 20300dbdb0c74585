import type { Collection } from './collection.ts';
import type { LeftOut } from './left-out.ts';
import type { Loop } from './loop.ts';

export interface HealthCheck {
  readonly name: string;
  /** What is wrong; undefined when nothing is. */
  problem(): string | undefined;
  /** What is to be known where nothing is wrong. */
  remark?(): string | undefined;
}

/** Readiness: each collection has been listed and is being fed, but where a namespace is left out. */
export function synced(
  collection: Pick<Collection<unknown>, 'name' | 'problem'>,
  leftOut?: Pick<LeftOut, 'current'>,
): HealthCheck {
  return { name: `synced-${collection.name}`, problem: () => collection.problem(leftOut?.current()) };
}

/** Which namespaces are left out: for who reads /readyz, and no failure. */
export function whole(leftOut: Pick<LeftOut, 'current'>): HealthCheck {
  const remark = (): string | undefined => {
    const texts = Array.from(leftOut.current(), ([name, error]) => `${name} (${error})`);
    return texts.length === 0 ? undefined : `left out: ${texts.join('; ')}`;
  };
  return { name: 'namespaces', problem: () => undefined, remark };
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
  const results = Array.from(checks, (check) => ({
    name: check.name,
    problem: check.problem(),
    remark: check.remark?.(),
  }));
  const lines = results.map(({ name, problem, remark }) =>
    problem === undefined
      ? `[+]${name} ok${remark === undefined ? '' : `: ${remark}`}`
      : `[-]${name} failed: ${problem}`,
  );
  return { healthy: results.every(({ problem }) => problem === undefined), text: `${lines.join('\n')}\n` };
}
