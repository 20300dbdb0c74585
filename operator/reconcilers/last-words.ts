import type { GenerationService } from '../api/generation-service.ts';
import { keyOf, type Key } from '../kube/object.ts';

/**
 * What one reconciler tells another of each service. Lives as long as the process: after a restart status itself still has what was decided.
 * Of this very service: one deleted and made again under its name may come as one change, and knows nothing of what was said of the other.
 */
export interface LastWords<Word> {
  of(service: GenerationService): Word | undefined;
  put(service: GenerationService, word: Word): void;
  forget(key: Key): void;
}

export function createLastWords<Word>(): LastWords<Word> {
  const words = new Map<Key, { readonly uid: string; readonly word: Word }>();
  return {
    of(service) {
      const said = words.get(keyOf(service));
      return said?.uid === service.metadata.uid ? said.word : undefined;
    },
    put: (service, word) => void words.set(keyOf(service), { uid: service.metadata.uid, word }),
    forget: (key) => void words.delete(key),
  };
}
