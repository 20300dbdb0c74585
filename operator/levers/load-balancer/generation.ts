import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { generationSocket } from './render.ts';

/** Both generations answer for a while after a reload: of 500 first answers of the new one up to 481 old ones came later. So many in a row, each on a connection of its own, is no chance any more. */
const inARow = 20;
const againMs = 10;

/** Waits until every new connection is accepted by that generation. Rejects with the signal's reason. */
export async function untilGeneration(
  { folder, generation }: { readonly folder: string; readonly generation: string },
  signal: AbortSignal,
): Promise<void> {
  for (let answers = 0; answers < inARow;) {
    const [answered] = ((await askNginx({ folder, path: '/generation' }, signal)) ?? '').split(' ');
    answers = answered === generation ? answers + 1 : 0;
    if (answers === 0) await pause(againMs, undefined, { signal });
  }
}

/** What nginx says of itself on its socket. Undefined: nobody answers. */
export async function askNginx(
  { folder, path }: { readonly folder: string; readonly path: '/generation' | '/connections' },
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  const answer = Promise.withResolvers<string | undefined>();
  const asked = request(
    { socketPath: generationSocket(folder), path, agent: false, timeout: 1_000, signal },
    (response) => void text(response).then(answer.resolve, () => answer.resolve(undefined)),
  );
  asked.once('timeout', () => asked.destroy());
  asked.once('error', () => answer.resolve(undefined)); // it starts, ends, or is not there: asked again
  asked.end();
  return answer.promise;
}

/** Whether nginx answers at all, whatever generation. */
export const isServing = async (folder: string, signal: AbortSignal): Promise<boolean> =>
  (await askNginx({ folder, path: '/generation' }, signal)) !== undefined;
