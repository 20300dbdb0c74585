import type { Key } from '../kube/object.ts';

/** What one reconciler tells another of each service. Lives as long as the process: after a restart status itself still has what was decided. */
export interface LastWords<Word> {
  of(key: Key): Word | undefined;
  put(key: Key, word: Word): void;
  forget(key: Key): void;
}

export function createLastWords<Word>(): LastWords<Word> {
  const words = new Map<Key, Word>();
  return {
    of: (key) => words.get(key),
    put: (key, word) => void words.set(key, word),
    forget: (key) => void words.delete(key),
  };
}
