import type { IndexesChange } from './changes.ts';
import type { Part, PartitionWork, Step } from './partitions.ts';
import type { WantedIndex } from './wanted.ts';

/** An index on an empty partition takes no time: several in one visit. */
const smallBytes = 16 * 2 ** 20;
/** Each may wait for seconds, for a lock or for its own work, and the visit has an end. */
const mostAtOnce = 5;

type Build = Extract<IndexesChange, { readonly action: 'Build' }>;
/** `after`: those that are built before it at the same visit. */
type BuildPart = (part: Part, after: readonly WantedIndex[]) => Build;

/** What is done of it at one visit: all that takes no time, and the build of one partition, or of some small ones. */
export function partitionChanges(
  { steps, missing }: PartitionWork,
  database: string,
  build: BuildPart,
): readonly IndexesChange[] {
  const large = missing.findIndex(({ table }) => table.sizeBytes > smallBytes);
  const small = missing.slice(0, Math.min(large === -1 ? missing.length : large, mostAtOnce));
  const built = small.length > 0 ? small : missing.slice(0, 1);
  return [
    ...steps.map((step): IndexesChange =>
      step.kind === 'Create' ? { ...build(step.part, []), action: 'BuildParent' } : attach(step, database),
    ),
    ...built.map((part, place) => build(part, wanted(built.slice(0, place)))),
  ];
}

const wanted = (parts: readonly Part[]): readonly WantedIndex[] => parts.map((part) => part.wanted);

const attach = ({ index, to, owner }: Extract<Step, { kind: 'Attach' }>, database: string): IndexesChange => ({
  action: 'Attach',
  cause: 'Declared',
  differences: [{ field: `index ${index.name}`, to: `part of ${to.name}` }],
  database,
  schema: index.schema,
  name: index.name,
  parent: { schema: to.schema, name: to.name },
  owner,
});
