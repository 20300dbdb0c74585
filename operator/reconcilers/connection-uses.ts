import type { OtherUse } from '../decide/connection-budget.ts';
import type { ConnectionUse } from '../decide/connection-clamp.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { keyOf, type Key } from '../kube/object.ts';

/** What one entry of `spec.postgres` may open. */
export interface NotedUse {
  /** The entry's name. */
  readonly name: string;
  /** Equal for all who use the server; undefined: it did not answer. */
  readonly server: string | undefined;
  /** That its Secret names. */
  readonly database: string | undefined;
  /** That its Pods log in as; undefined: nobody says. */
  readonly role?: string | undefined;
  readonly use: ConnectionUse;
}

/** What the services may open on each server, as far as this process has looked. */
export interface ConnectionUses {
  /** All that one service may open. On a server that does not answer its Pods still hold what they have. */
  note(service: GenerationService, uses: readonly NotedUse[]): void;
  /** What everybody else may open there, sorted by who it is; two entries of one service may name one server. */
  others(server: string, own: { readonly service: GenerationService; readonly name: string }): readonly OtherUse[];
  /** Each of these services was looked at: before, a sum would be too small. Stays true. */
  isComplete(services: Iterable<GenerationService>): boolean;
  forget(key: Key): void;
}

export function createConnectionUses(): ConnectionUses {
  const byService = new Map<Key, readonly NotedUse[]>();
  const byServer = new Map<string, Set<Key>>();
  let isComplete = false;
  const forget = (key: Key): void => {
    for (const { server = '' } of byService.get(key) ?? []) {
      byServer.get(server)?.delete(key);
      if (byServer.get(server)?.size === 0) byServer.delete(server);
    }
    byService.delete(key);
  };
  return {
    note(service, uses) {
      const key = keyOf(service);
      const before = byService.get(key) ?? [];
      const known = uses.map((use) => {
        const last = before.find(({ name }) => name === use.name);
        return { ...use, server: use.server ?? last?.server, database: use.database ?? last?.database };
      });
      forget(key);
      byService.set(key, known);
      for (const { server } of known) if (server !== undefined) keysOn(byServer, server).add(key);
    },
    others(server, own) {
      const ownKey = keyOf(own.service);
      return [...(byServer.get(server) ?? [])].toSorted().flatMap((key) =>
        (byService.get(key) ?? [])
          .filter((use) => use.server === server && !(key === ownKey && use.name === own.name))
          .map(({ name, use, database = '', role }) => ({
            use,
            database,
            role,
            by: key === ownKey ? `spec.postgres[${name}]` : key,
          })),
      );
    },
    isComplete(services) {
      isComplete ||= [...services].every(
        (service) =>
          (service.spec.postgres ?? []).length === 0 ||
          service.metadata.deletionTimestamp !== undefined || // its visits let go of what it had, and ask nothing
          byService.has(keyOf(service)),
      );
      return isComplete;
    },
    forget,
  };
}

function keysOn(byServer: Map<string, Set<Key>>, server: string): Set<Key> {
  const keys = byServer.get(server) ?? new Set<Key>();
  byServer.set(server, keys);
  return keys;
}
