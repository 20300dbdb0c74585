import type { Index, Partition, Table } from './catalogue.ts';
import { isSame, type IndexForm } from './form.ts';
import type { WantedIndex } from './wanted.ts';

/** The index of one partition, or of a partitioned table itself: all of them together are the one that is declared. */
export interface Part {
  readonly wanted: WantedIndex;
  readonly table: Table;
  /** That of the table of which this one is a partition; undefined: it is the declared one. */
  readonly parent: Part | undefined;
}

/** What an index on a partitioned table lacks. */
export interface PartitionWork {
  /** Of all partitions that hold rows, those that have it. */
  readonly done: number;
  readonly of: number;
  /** What takes no time, from the top down. */
  readonly steps: readonly Step[];
  /** Partitions on which it has to be built. */
  readonly missing: readonly Part[];
}

export type Step =
  /** Of a partitioned table alone, without those of its partitions: it holds no row, and is valid once all of them are attached. */
  | { readonly kind: 'Create'; readonly part: Part }
  | { readonly kind: 'Attach'; readonly index: Index; readonly to: Index; readonly owner: string };

/** From the top down, the declared one first. */
export function partsOf(wanted: WantedIndex, table: Table, partitions: readonly Partition[]): readonly Part[] {
  const byParent = Map.groupBy(partitions, ({ parentOid }) => parentOid);
  const below = (parent: Part): readonly Part[] =>
    (byParent.get(parent.table.oid) ?? []).flatMap((one) => {
      const part = { table: one, parent, wanted: wantedOn(one, wanted) };
      return [part, ...below(part)];
    });
  const root = { table, parent: undefined, wanted };
  return [root, ...below(root)];
}

const wantedOn = (table: Table, wanted: WantedIndex): WantedIndex => ({
  ...wanted,
  schema: table.schema,
  table: table.name,
  name: nameOn(table, wanted),
});

/** The server cuts a name off after so many bytes, and then two would have one. */
const mostBytes = 63;
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** `events_status_events_2026_01`; where that is too long, by the number of the partition. */
function nameOn({ name, oid }: Table, wanted: WantedIndex): string {
  const full = `${wanted.name}_${name}`;
  if (bytesOf(full) <= mostBytes) return full;
  const characters = Array.from(wanted.name);
  while (bytesOf(`${characters.join('')}_${oid}`) > mostBytes) characters.pop();
  return `${characters.join('')}_${oid}`;
}

const isLeaf = ({ table }: Part): boolean => table.kind !== 'Partitioned';

export function workOf(parts: readonly Part[], indexes: readonly Index[], form: IndexForm): PartitionWork {
  const equal = Map.groupBy(
    indexes.filter((one) => isSame(one, form)),
    ({ tableOid }) => tableOid,
  );
  const found = new Map<Part, Index>();
  const steps: Step[] = [];
  const missing: Part[] = [];
  let done = 0;
  for (const part of parts) {
    const parent = part.parent === undefined ? undefined : found.get(part.parent);
    const there = indexOf(part, parent, equal.get(part.table.oid) ?? []);
    if (there !== undefined) found.set(part, there);
    if (there === undefined && isLeaf(part)) missing.push(part);
    else if (there === undefined) steps.push({ kind: 'Create', part });
    else if (parent !== undefined && there.parentOid !== parent.oid)
      steps.push({ kind: 'Attach', index: there, to: parent, owner: part.parent?.table.owner ?? part.table.owner });
    else if (isLeaf(part) && there.parentOid !== null) done += 1;
  }
  return { done, of: parts.filter(isLeaf).length, steps, missing };
}

/** One that is valid and nobody else's part; of a partitioned table the one with the name that is looked for, valid or not. */
function indexOf({ wanted, table, parent: above }: Part, parent: Index | undefined, equal: readonly Index[]) {
  if (above === undefined)
    return equal.find(
      ({ schema, name, isPartitioned }) => isPartitioned && schema === wanted.schema && name === wanted.name,
    );
  const free = equal.filter(
    ({ isValid, isPartitioned, parentOid }) =>
      (table.kind === 'Partitioned' ? isPartitioned : isValid) && (parentOid === null || parentOid === parent?.oid),
  );
  return free.find(({ parentOid }) => parentOid !== null) ?? free[0];
}
