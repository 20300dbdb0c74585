import type { IndexVerdict } from './judge.ts';
import type { IndexesUnit } from './unit.ts';

/** What only somebody who wants the index would put right. */
const hindrances: ReadonlySet<string> = new Set(['PermissionDenied', 'ConfigRejected', 'IndexDiffers']);

/** Nobody has asked for an index of the defaults: the tables may be another schema's, and that it cannot be built is said and is no failure. */
export function unlessDeclared(verdict: IndexVerdict, { byDefault }: IndexesUnit): IndexVerdict {
  if (verdict.state !== 'Failed' || !hindrances.has(verdict.reason)) return verdict;
  const { wanted, database, saw, next } = verdict;
  if (!byDefault.includes(wanted.name)) return verdict;
  const why = `index ${wanted.name} of the defaults (saw ${saw}; if you want it: ${next}; if not: mode: "Off" in postgres.indexes)`;
  return { wanted, database, state: 'NotApplicable', why };
}
