import { awaitChange, requeueAfter, type Next } from '../kube/loop.ts';
import type { Logger } from '../kube/logger.ts';
import type { Key } from '../kube/object.ts';
import type { VisitDeps } from './visit.ts';

interface Deps extends Pick<VisitDeps, 'levers' | 'clock'> {
  readonly logger: Logger;
}

/** What still runs for a service that is gone may wait for others: it ends by us alone, so it is tried until it has. */
export interface LeftBehind {
  end(key: Key, signal: AbortSignal): Promise<Next>;
  /** The service is there again. */
  forget(key: Key): void;
}

/** Nobody tells when a transaction of somebody else has ended, nor whether a server ever comes back: each wait is as long as all before it, between these. */
const soonestMs = 15_000;
const latestMs = 3_600_000;
const givenUpAfterMs = 86_400_000;

export function createLeftBehind({ levers, logger, clock }: Deps): LeftBehind {
  const known = new Map<Key, { readonly since: number; readonly text: string }>();
  return {
    async end(service, signal) {
      const now = clock.now();
      const before = known.get(service);
      const since = before?.since ?? now;
      const isLast = now - since >= givenUpAfterMs;
      const asked = levers.flatMap((lever) => lever.forget?.(service, { isLast }, signal) ?? []);
      const left = (await Promise.all(asked)).flat();
      const isGivenUp = left.length > 0 && isLast;
      if (isGivenUp) logger.warn('left of a service that is gone, and given up', { service, left });
      if (isGivenUp || left.length === 0) {
        known.delete(service);
        return awaitChange;
      }
      const text = left.join('\n');
      if (text !== before?.text) logger.warn('left of a service that is gone', { service, left });
      known.set(service, { since, text });
      return requeueAfter(Math.min(Math.max(soonestMs, now - since), latestMs));
    },
    forget: (service) => void known.delete(service),
  };
}
