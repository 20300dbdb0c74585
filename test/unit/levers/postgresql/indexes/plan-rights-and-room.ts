import type { IndexesObserved } from '../../../../../operator/levers/postgresql/indexes/observe.ts';
import type { IndexesUnit } from '../../../../../operator/levers/postgresql/indexes/unit.ts';
import { seen, table } from './observations.ts';

export interface Row {
  readonly name: string;
  readonly unit?: IndexesUnit;
  readonly observed: IndexesObserved;
  readonly does?: readonly string[];
  readonly states: readonly string[];
  readonly reason: string;
  readonly says?: string | RegExp;
}

/** An index that the server refuses, or that the volume may have no room for. */
export const rightsAndRoom: readonly Row[] = [
  {
    name: 'a table of a role that ours may not become',
    observed: seen({ tables: [table({ mayOwn: false, owner: 'Shop' })] }),
    states: ['Failed'],
    reason: 'PermissionDenied',
    says: /next: GRANT "Shop" TO genops WITH INHERIT FALSE, SET TRUE$/,
  },
  {
    name: 'a table of a superuser, whom no grant is to make ours',
    observed: seen({ tables: [table({ mayOwn: false, isSuperusers: true, owner: 'postgres' })] }),
    states: ['Failed'],
    reason: 'PermissionDenied',
    says: /of postgres, a superuser, .* next: ALTER TABLE public\.workflows OWNER TO a role that is none/,
  },
  {
    name: 'the same before 16',
    observed: seen({ tables: [table({ mayOwn: false })] }, { major: 15 }),
    states: ['Failed'],
    reason: 'PermissionDenied',
    says: /next: GRANT app TO genops$/,
  },
  {
    name: 'an owner that may create nothing',
    observed: seen({ tables: [table({ mayCreate: false })] }),
    states: ['Failed'],
    reason: 'PermissionDenied',
    says: /next: GRANT CREATE ON SCHEMA public TO app$/,
  },
  {
    name: 'a declaration that the server refuses',
    observed: seen({
      forms: { by_status: { kind: 'refused', message: 'column "x" does not exist', isForbidden: false } },
    }),
    states: ['Failed'],
    reason: 'ConfigRejected',
    says: /"column "x" does not exist"/,
  },
  {
    name: 'no right to a temporary table',
    observed: seen({ forms: { by_status: { kind: 'refused', message: 'denied', isForbidden: true } } }),
    states: ['Failed'],
    reason: 'PermissionDenied',
    says: /GRANT TEMPORARY ON DATABASE shop TO app/,
  },
  {
    name: 'a table that would not fit once more into what is left of the volume',
    observed: seen(
      { tables: [table({ sizeBytes: 3 * 2 ** 30 })] },
      { room: { volumeBytes: 5 * 2 ** 30, usedBytes: 2 * 2 ** 30 + 1 } },
    ),
    states: ['Failed'],
    reason: 'DiskFull',
    says: 'saw a table public.workflows of 3072 MiB on a volume of 5120 MiB, of which more than 2048 MiB are in use, or kept for a write-ahead log on it (max_wal_size); wanted btree (status) of public.workflows; next: enlarge',
  },
  {
    name: 'one that just does',
    observed: seen(
      { tables: [table({ sizeBytes: 3 * 2 ** 30 })] },
      { room: { volumeBytes: 5 * 2 ** 30, usedBytes: 2 * 2 ** 30 } },
    ),
    does: ['Build by_status'],
    states: ['Missing'],
    reason: 'IndexBuilding',
  },
  {
    name: 'a large table whose room nobody knows is said, and built all the same',
    observed: seen({ tables: [table({ sizeBytes: 2 ** 30 })] }),
    does: ['Build by_status'],
    states: ['Missing'],
    reason: 'IndexBuilding',
    says: 'index by_status of main: its build begins; nobody knows whether its disk has room for it: spec.postgres[].volumeSize tells',
  },
  {
    name: 'one in a tablespace of its own, whatever the volume of the data has left',
    observed: seen(
      { tables: [table({ sizeBytes: 3 * 2 ** 30 })], elsewhere: 'fast' },
      { room: { volumeBytes: 5 * 2 ** 30, usedBytes: 5 * 2 ** 30 } },
    ),
    does: ['Build by_status'],
    states: ['Missing'],
    reason: 'IndexBuilding',
    says: /there is room for it in the tablespace fast, where indexes of genops go$/,
  },
  {
    name: 'a large one on a server that does not tell what is in use',
    observed: seen({ tables: [table({ sizeBytes: 2 ** 30 })] }, { room: { unknown: 'Forbidden' } }),
    does: ['Build by_status'],
    states: ['Missing'],
    reason: 'IndexBuilding',
    says: /how much is in use there: GRANT pg_read_all_stats TO genops$/,
  },
  {
    name: 'of a smaller one no word is said',
    observed: seen({ tables: [table({ sizeBytes: 2 ** 30 - 1 })] }),
    does: ['Build by_status'],
    states: ['Missing'],
    reason: 'IndexBuilding',
    says: /^index by_status of main: its build begins$/,
  },
];
