import type { Collection } from './collection.ts';
import type { Logger } from './logger.ts';

/**
 * The namespaces that may not be looked at (403): they were deleted with their RoleBinding, or it was never made. They hold up no others, and count
 * as if they had not been named; each is tried again, and is looked after as soon as all of it has been listed. Of one that is refused later, what was
 * seen last stands.
 */
export interface LeftOut {
  /** With the server's words. None where it is so of all of them: that is a wrong installation, and no namespace more or less. */
  current(): ReadonlyMap<string, string>;
  /** Resolves when all else has been listed once; rejects with the signal's reason. */
  settled(signal: AbortSignal): Promise<void>;
  /** Resolves when these have listed a namespace; rejects with the signal's reason. */
  listed(by: readonly Standing[], namespace: string | undefined, signal: AbortSignal): Promise<void>;
  /** What a collection says of its namespaces may be something else now. */
  look(): void;
}

type Standing = Pick<Collection<unknown>, 'unlisted' | 'forbidden'>;

export interface LeftOutOptions {
  /** Undefined: the whole cluster, of which nothing can be left out. */
  readonly namespaces: readonly string[] | undefined;
  /** Asked when something is known of them. */
  readonly collections: () => readonly Standing[];
  readonly logger: Logger;
}

export function createLeftOut({ namespaces, collections, logger }: LeftOutOptions): LeftOut {
  const named = new Set(namespaces).size;
  const known = new Map<string, string>();
  let news = Promise.withResolvers<undefined>();
  const wake = (): void => {
    news.resolve(undefined);
    news = Promise.withResolvers();
  };
  const current = (): ReadonlyMap<string, string> => (known.size < named ? known : new Map());
  const until = async (isSo: () => boolean, signal: AbortSignal): Promise<void> => {
    const onAbort = (): void => wake(); // its own: a listener that two share is taken off by the first
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!isSo()) {
        await news.promise;
        signal.throwIfAborted();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
  return {
    current,
    settled: (signal) =>
      until(() => {
        const leftOut: ReadonlyMap<string | undefined, string> = current();
        return collections().every((each) => each.unlisted().every((namespace) => leftOut.has(namespace)));
      }, signal),
    listed: (by, namespace, signal) => until(() => by.every((each) => !each.unlisted().includes(namespace)), signal),
    look() {
      const all = collections();
      const forbidden = new Map(all.flatMap((each) => [...each.forbidden()]));
      for (const namespace of known.keys()) {
        if (forbidden.has(namespace) || all.some((each) => each.unlisted().includes(namespace))) continue;
        known.delete(namespace);
        logger.info('a namespace may be looked at again', { namespace });
      }
      for (const [namespace, error] of forbidden) {
        if (known.has(namespace)) continue;
        known.set(namespace, error);
        logger.warn(
          'a namespace may not be looked at: it is left out until it may, and what was seen of it before stands',
          { namespace, error },
        );
      }
      wake();
    },
  };
}
