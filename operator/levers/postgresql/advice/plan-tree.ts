/** A node of EXPLAIN (FORMAT JSON, VERBOSE), as far as it is read. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Total Cost': number;
  /** Of one process, where several share the work. */
  readonly 'Plan Rows': number;
  readonly 'Workers Planned'?: number;
  readonly 'Parallel Aware'?: boolean;
  readonly Schema?: string;
  readonly 'Relation Name'?: string;
  readonly Alias?: string;
  readonly Filter?: string;
  readonly 'Index Name'?: string;
  readonly 'Sort Key'?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** A table that is read from its first row to its last. */
export interface SeqScan {
  readonly schema: string;
  readonly table: string;
  /** Under which the filter and the sort key know it, without quotes. */
  readonly alias: string;
  readonly filter: string | undefined;
  /** Rows that the planner expects the filter to leave. */
  readonly rows: number;
  /** In what order its rows are wanted, where only the first of them are (LIMIT); else empty. */
  readonly sortKey: readonly string[];
}

interface Above {
  readonly isLimited: boolean;
  readonly sortKey: readonly string[];
  readonly workers: number;
}
const nothing: Above = { isLimited: false, sortKey: [], workers: 0 };

/** Every sequential scan of a plan. */
export const scansOf = (plan: PlanNode): readonly SeqScan[] => scansBelow(plan, nothing);

/** Every index that a plan reads. */
export const indexesIn = (plan: PlanNode): readonly string[] => [
  ...(plan['Index Name'] === undefined ? [] : [plan['Index Name']]),
  ...(plan.Plans ?? []).flatMap(indexesIn),
];

function scansBelow(node: PlanNode, above: Above): readonly SeqScan[] {
  const { Plans = [] } = node;
  return [...scanOf(node, above), ...Plans.flatMap((child) => scansBelow(child, belowOf(node, above)))];
}

function scanOf(node: PlanNode, { sortKey, workers }: Above): readonly SeqScan[] {
  const { Schema: schema, 'Relation Name': table, Alias: alias = table, Filter: filter } = node;
  if (node['Node Type'] !== 'Seq Scan' || schema === undefined || table === undefined || alias === undefined) return [];
  const rows = node['Plan Rows'] * (node['Parallel Aware'] === true ? sharersOf(workers) : 1);
  return [{ schema, table, alias, filter, rows, sortKey }];
}

/** What a node leaves of the order and the number of rows that are wanted of what is below it. */
function belowOf(node: PlanNode, above: Above): Above {
  switch (node['Node Type']) {
    case 'Limit':
      return { ...above, isLimited: true };
    case 'Gather':
    case 'Gather Merge':
      return { ...above, workers: node['Workers Planned'] ?? 0 };
    case 'LockRows':
      return above;
    case 'Sort':
      return { ...above, isLimited: false, sortKey: above.isLimited ? (node['Sort Key'] ?? []) : [] };
    default:
      return { ...nothing, workers: above.workers };
  }
}

/** As the planner reckons: the leader helps, the less the more workers there are. */
const sharersOf = (workers: number): number => workers + Math.max(0, 1 - 0.3 * workers);
