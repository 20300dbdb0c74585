/** A signal that follows another one and is aborted by itself after a while. Dispose of it when the work is done: it holds a timer and a listener. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** True when the time was up before anything else happened. */
  readonly isOver: boolean;
}

/** Cheaper than AbortSignal.any with AbortSignal.timeout, and leaves nothing behind on a long-lived `signal`. The reason is a TimeoutError, as theirs. */
export function openDeadline(signal: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const follow = () => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    deadline.isOver = !controller.signal.aborted;
    controller.abort(new DOMException(`not done in ${timeoutMs} ms`, 'TimeoutError'));
  }, timeoutMs);
  const deadline = {
    signal: controller.signal,
    isOver: false,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  };
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { once: true });
  return deadline;
}
