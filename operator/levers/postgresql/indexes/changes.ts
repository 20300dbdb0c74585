import type { LeverChange } from '../../lever.ts';
import type { OpclassSchemas } from './statement.ts';
import type { WantedIndex } from './wanted.ts';

/** One thing that is done to one index. */
export type IndexesChange = LeverChange & { readonly database: string } & (
    | {
        readonly action: 'Build';
        readonly wanted: WantedIndex;
        readonly owner: string;
        readonly isTable: boolean;
        readonly opclasses: OpclassSchemas;
      }
    /** `oid`: the index that was looked at; another that has come in its place is somebody's. `pid`: the session that builds it, which is ended first; `inVain`: since it waits for what does not come. `isValid`: whether it was; another state means that it is another. */
    | {
        readonly action: 'Drop';
        readonly schema: string;
        readonly name: string;
        readonly oid: string;
        readonly pid: number | null;
        readonly inVain: boolean;
        readonly isValid: boolean;
      }
    /** The session that built it is not ours to speak through: the process that began it is gone. */
    | { readonly action: 'Mark'; readonly schema: string; readonly name: string; readonly oid: string }
  );
