/** Pods of the live lines of the weights bench, in a process of their own: their time is nobody's. Each works on four requests at once; what a request takes is exponentially distributed. */
import { once } from 'node:events';
import { slottedBackend } from '../world/slotted-backend.ts';
import { createRandom, exponential } from '../workload/random.ts';

/** Of each Pod in order, in ms on average; the answer has how many requests each was sent since the last. */
export interface PodsInput {
  readonly meanMs: readonly number[];
}
export interface PodsAnswer {
  readonly ports: readonly number[];
  readonly taken: readonly number[];
}

const [first] = (await once(process, 'message')) as [PodsInput];
process.once('disconnect', () => process.exit(0));
const random = createRandom(1);
const pods = await Promise.all(first.meanMs.map((ms) => slottedBackend(4, ms)));

const answer = ({ meanMs }: PodsInput): void => {
  for (const [index, pod] of pods.entries()) pod.conduct.serviceMs = () => exponential(random) * (meanMs[index] ?? 0);
  process.send?.({
    ports: pods.map(({ port }) => port),
    taken: pods.map((pod) => pod.taken()),
  } satisfies PodsAnswer);
};
process.on('message', answer);
answer(first);
