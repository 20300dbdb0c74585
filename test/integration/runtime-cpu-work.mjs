import { threadId } from 'node:worker_threads';

/** What the CPU pool's tests have computed: on which thread, and when. */
export default function work({ n, fail = false }) {
  if (fail) throw new Error('told to fail');
  return { result: n * n, thread: threadId, at: performance.timeOrigin + performance.now() };
}
