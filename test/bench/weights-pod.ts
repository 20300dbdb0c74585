/** What runs in a Pod of the live lines of the weights bench: it works on so many requests at once, and what a request takes is exponentially distributed. On its other port it is told how long that is on average, in ms, and answers how many requests came since it was told last. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { slottedBackend } from '../world/slotted-backend.ts';
import { createRandom, exponential } from '../workload/random.ts';

const [port = NaN, controlPort = NaN, slots = NaN, seed = NaN] = process.argv.slice(2).map(Number);
const random = createRandom(seed);
const pod = await slottedBackend(slots, 1, port);
const tell = (meanMs: number): string => {
  pod.conduct.serviceMs = () => exponential(random) * meanMs;
  return String(pod.taken());
};
createServer((incoming, response) => void text(incoming).then((body) => response.end(tell(Number(body))))).listen(
  controlPort,
);
process.once('SIGTERM', () => process.exit(0)); // the first process of a container has no default for it
