import type { LeverChange, UnitMemory } from '../../lever.ts';
import type { Gain } from './gain.ts';
import type { Reads } from './reads.ts';
import type { InVain, Standstill } from './standstill.ts';
import type { OpclassSchemas } from './statement.ts';
import type { WantedIndex } from './wanted.ts';

/** What is remembered of one server. */
export interface IndexesMemory extends UnitMemory {
  /** By name of the declared index. */
  readonly gains?: Readonly<Record<string, Gain>>;
  readonly reads?: Reads;
  /** Of the build that runs for the service; absent: none does. */
  readonly standstill?: Standstill;
}

/** One thing that is done to one index. */
export type IndexesChange = LeverChange & { readonly database: string; readonly remember?: IndexesMemory } & (
    | {
        readonly action: 'Build';
        readonly wanted: WantedIndex;
        /** Begun right before it: where one of them has come to nothing, this is not begun. */
        readonly after: readonly WantedIndex[];
        readonly owner: string;
        readonly isTable: boolean;
        readonly opclasses: OpclassSchemas;
      }
    /** Of a partitioned table alone: at once, and not valid before every partition has one that is attached. */
    | {
        readonly action: 'BuildParent';
        readonly wanted: WantedIndex;
        readonly owner: string;
        readonly opclasses: OpclassSchemas;
      }
    /** `owner`: of the parent. */
    | {
        readonly action: 'Attach';
        readonly schema: string;
        readonly name: string;
        readonly parent: { readonly schema: string; readonly name: string };
        readonly owner: string;
      }
    /** `oid`: the index that was looked at; another that has come in its place is somebody's. `pid`: the session that builds it, which is ended first; `inVain`: why it would come to no end; null: it is not wanted any more. `isValid`: whether it was; another state means that it is another. */
    | {
        readonly action: 'Drop';
        readonly schema: string;
        readonly name: string;
        readonly oid: string;
        readonly pid: number | null;
        readonly inVain: InVain | null;
        readonly isValid: boolean;
        /** Those of the partitions go with it. */
        readonly isPartitioned: boolean;
      }
    /** The session that built it is not ours to speak through: the process that began it is gone. */
    | { readonly action: 'Mark'; readonly schema: string; readonly name: string; readonly oid: string }
  );
