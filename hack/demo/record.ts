import type { Second } from '../../test/workload/load/recorder.ts';
import { editedPolicy } from './hand-edit.ts';
import type { RedisSettings, Snapshot } from './snapshot.ts';

/** One second of the demo: what was sent, and what the cluster looked like. */
export interface Sample extends Second {
  readonly snapshot: Snapshot;
}

/** Something that happened, for the account and the picture. */
export interface Mark {
  /** Of the load. */
  readonly second: number;
  readonly kind: 'Scaled' | 'Edited' | 'Repaired' | 'Acted';
  readonly text: string;
}

/** What changed from one second to the next, in words. */
export function marksBetween(before: Snapshot, after: Snapshot, second: number): readonly Mark[] {
  const [from, to] = [before.replicas.desired, after.replicas.desired];
  const scaled = [
    ...(from === to ? [] : [{ second, kind: 'Scaled' as const, text: `${from} → ${to} Pods` }]),
    ...newAction(before, after).map((rule) => ({ second, kind: 'Acted' as const, text: `optimizer: ${rule}` })),
  ];
  const [held, holds] = [before.redis.policy, after.redis.policy];
  if (held === holds) return scaled;
  const isRepair = holds === redisWanted.policy;
  const text = `${isRepair ? 'repaired' : 'Redis by hand'}: maxmemory-policy ${holds}`;
  return [...scaled, { second, kind: isRepair ? 'Repaired' : 'Edited', text }];
}

/**
 * A second after Redis was changed by hand: with the edit until it is told, since the repair may come before the next look, and while
 * the last look `isOlder` than the edit.
 */
export function editedIn(
  snapshot: Snapshot,
  marks: readonly Mark[],
  { isOlder }: { readonly isOlder: boolean },
): Snapshot {
  const has = (wanted: Mark['kind']): boolean => marks.some(({ kind }) => kind === wanted);
  if (has('Repaired') || (has('Edited') && !isOlder)) return snapshot;
  return { ...snapshot, redis: { ...snapshot.redis, policy: editedPolicy } };
}

/** The rule that has acted meanwhile, if any. */
function newAction(before: Snapshot, after: Snapshot): readonly string[] {
  const [newest] = after.service?.optimizer?.rules ?? [];
  const known = before.service?.optimizer?.rules?.[0];
  if (newest?.lastAction === undefined || newest.lastAction.time === known?.lastAction?.time) return [];
  return [newest.name];
}

/** The guide's settings (row E1), which config/samples/demo.yaml leaves as they are. */
const redisWanted: RedisSettings = { maxMemoryBytes: 1_073_741_824, policy: 'allkeys-lru' };

export function isTuned({ maxMemoryBytes, policy }: RedisSettings): boolean {
  return maxMemoryBytes === redisWanted.maxMemoryBytes && policy === redisWanted.policy;
}

/** Everything that claims and picture are made of. */
export interface Recording {
  readonly samples: readonly Sample[];
  readonly marks: readonly Mark[];
  readonly redisBefore: RedisSettings;
  readonly redisAfter: RedisSettings;
}
