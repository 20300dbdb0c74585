import { threadId } from 'node:worker_threads';

/** What the CPU pool's tests have computed: on which thread, and when. With a gate, once that is open. */
export default function work({ n, fail = false, gate, unsendable = false }) {
  if (fail) throw new Error('told to fail');
  if (unsendable) return () => n;
  if (gate) Atomics.wait(gate, 0, 0);
  const amount = n instanceof Map ? n.get('n') : n;
  return { result: amount * amount, thread: threadId, at: performance.timeOrigin + performance.now() };
}
