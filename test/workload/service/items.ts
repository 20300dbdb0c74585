import { createHash } from 'node:crypto';
import { createBatcher } from '../../../operator/runtime/batcher.ts';
import type { Cache } from '../../../operator/runtime/cache.ts';
import type { LiveSettings } from '../../../operator/runtime/settings.ts';
import { createWarmer } from '../../../operator/runtime/warmer.ts';
import { lognormal, type Random } from '../random.ts';
import type { Answer } from './answer.ts';
import type { Backends } from './backends.ts';
import type { Settings } from './settings.ts';

const route = '/api/item/:id';

interface Deps {
  readonly settings: Settings['item'];
  readonly live: LiveSettings;
  /** Undefined: there is none, and each item is loaded. */
  readonly cache: Cache | undefined;
  readonly backends: Pick<Backends, 'read'>;
  /** See `Defects`. */
  readonly coldCache: boolean;
  readonly random: Random;
}

/** GET /api/item/:id, look-aside: what is not cached is loaded, which takes time, some items together. */
export function items({ settings, live, cache, backends, coldCache, random }: Deps) {
  const batcher = createBatcher<string, string>(live, {
    async send(_, ids, signal) {
      await backends.read(lognormal(random, settings.loadMs, 0.5), signal);
      return ids.map((id) => itemValue(id, settings.bytes));
    },
  });
  const load = (id: string): Promise<string> => batcher.ask('item', id);
  const warmer = createWarmer(live, async (id) => cache?.get(id, load));
  let isCold = coldCache;

  return {
    batcher,
    warmer,
    /** @param session What one client reads one after another. */
    async answer(id: string, session: string, signal: AbortSignal): Promise<Answer> {
      if (cache === undefined) return answer(id, await batcher.ask('item', id, signal), 'miss');
      const { value, from } = await cache.get(id, load, signal);
      warmer.note(session, id);
      if (isCold) await cache.delete(id);
      return answer(id, value, from === 'loader' ? 'miss' : 'hit');
    },
    warmPopular: () => {
      isCold = false;
      return warmer.warmPopular();
    },
  };
}

const answer = (id: string, value: unknown, cache: 'hit' | 'miss'): Answer => ({
  status: 200,
  route,
  body: { id, value },
  cache,
});

/** The same in each Pod, so that it does not matter which of them cached it. */
function itemValue(id: string, bytes: number): string {
  const word = createHash('sha256').update(id).digest('hex');
  return word.repeat(Math.ceil(bytes / word.length)).slice(0, bytes);
}
