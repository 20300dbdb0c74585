import type { LRUCache } from 'lru-cache';
import { isProblem } from '../../../api/problem.ts';
import type { OwnerKube } from '../../owner-object.ts';
import type { PostgresConnection } from '../connect.ts';
import { readOwner, type DataVolume } from '../owner.ts';
import { sqlState } from '../server-error.ts';
import { declaredVolume } from '../wanted.ts';
import { readUsed, type Used } from './catalogue.ts';
import type { DatabaseSeen } from './observe.ts';
import { missingOf } from './statement-counts.ts';
import type { IndexesUnit } from './unit.ts';

/** What a server says of its disk, or why it does not. */
export type UsedSeen = Used | { readonly unknown: 'Forbidden' | 'Silent' };

/** Of the disk that the data lies on. */
export type Room =
  { readonly volumeBytes: number; readonly usedBytes: number } | Extract<UsedSeen, { unknown: unknown }>;

/** No server says how large its disk is: the object of its operator does, or who declares it. What is wrong with that object the other lever of the server says. */
export async function volumeOf(
  unit: IndexesUnit,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<DataVolume | undefined> {
  const declared = declaredVolume(unit);
  try {
    return (await readOwner(unit, kube, signal))?.volume ?? declared;
  } catch (error) {
    if (!isProblem(error)) throw error;
    return declared;
  }
}

interface Asking {
  readonly volume: DataVolume | undefined;
  /** By `host:port`. */
  readonly seen: LRUCache<string, UsedSeen>;
}

/** Asked last on its connection, and only where there is something to be built: a server with many files may not answer in time, and is asked again only after a while. */
export async function roomOn(
  postgres: PostgresConnection,
  database: DatabaseSeen,
  { volume, seen }: Asking,
  signal: AbortSignal,
): Promise<Room | undefined> {
  if (volume === undefined || missingOf(database).length === 0) return undefined;
  const known = seen.get(postgres.label) ?? (await usedOn(postgres));
  signal.throwIfAborted();
  seen.set(postgres.label, known, { noUpdateTTL: true });
  if ('unknown' in known) return known;
  const { dataBytes, logBytes } = known;
  return { volumeBytes: volume.bytes, usedBytes: dataBytes + (volume.hasLog ? logBytes : 0) };
}

async function usedOn(postgres: PostgresConnection): Promise<UsedSeen> {
  try {
    return (await readUsed(postgres)) ?? { unknown: 'Silent' };
  } catch (error) {
    return { unknown: sqlState(error) === '42501' ? 'Forbidden' : 'Silent' };
  }
}
