import type { EffectivePolicy } from '../../../decide/effective-policy.ts';

/** One declared index, with the figures filled in. */
export type WantedIndex = EffectivePolicy['postgres']['indexes'][number];

export const tableName = ({ schema, table }: Pick<WantedIndex, 'schema' | 'table'>): string => `${schema}.${table}`;

/** As people read it: `btree (status, created_at DESC) of public.workflows, partial`. */
export function indexText(wanted: WantedIndex): string {
  const { method, columns, include = [], where = [], unique } = wanted;
  const keys = columns.map(({ name, order, nulls }) =>
    [
      name,
      ...(order === 'Desc' ? ['DESC'] : []),
      ...(nulls === undefined ? [] : [`NULLS ${nulls.toUpperCase()}`]),
    ].join(' '),
  );
  const beside = include.length === 0 ? '' : ` with ${include.join(', ')}`;
  const kind = `${unique ? 'unique ' : ''}${method.toLowerCase()}`;
  return `${kind} (${keys.join(', ')})${beside} of ${tableName(wanted)}${where.length === 0 ? '' : ', partial'}`;
}
