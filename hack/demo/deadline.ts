import type { Progress } from '../cluster/progress.ts';

export interface Bounded extends Disposable {
  readonly progress: Progress;
  /** Aborts when the time is up, with an error that names what was under way. */
  readonly signal: AbortSignal;
  /** What is under way from now on, where that is no step. */
  enter(what: string): void;
}

/** Gives what follows so many seconds: a demo that waits for what never comes ends, and says what for. */
export function boundedBy(
  seconds: number,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Bounded {
  const late = new AbortController();
  let underWay = 'nothing yet';
  const end = (): void =>
    late.abort(new Error(`saw “${underWay}” under way after ${seconds} s; wanted the demo to be at its end by then`));
  const timer = setTimeout(end, seconds * 1000);
  const enter = (what: string): void => void (underWay = what);
  return {
    progress: {
      line: (text) => progress.line(text),
      step: (name, work, detail) => {
        enter(name);
        return progress.step(name, work, detail);
      },
    },
    signal: AbortSignal.any([signal, late.signal]),
    enter,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
