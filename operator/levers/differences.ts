import type { Difference } from './lever.ts';

/** As people read it in conditions, logs and Events. */
export const differenceText = ({ field, from, to }: Difference): string =>
  from === undefined ? `${field} = ${to}` : `${field} ${from} → ${to}`;

type Equal = (field: string, from: unknown, to: unknown) => boolean;

/**
 * Where `from` is not what `to` asks for, leaf by leaf. Only what `to` has is compared: what the server fills in by itself is no difference.
 * `equal` says of two leaves whether the field has what is wanted.
 * Lists are compared by position and length, as the API server keeps atomic lists.
 */
export function differences(from: unknown, to: unknown, field: string, equal: Equal): readonly Difference[] {
  if (Array.isArray(to) && Array.isArray(from) && from.length === to.length)
    return to.flatMap((item, index) => differences(from[index], item, `${field}[${index}]`, equal));
  if (isRecord(to) && (from === undefined || isRecord(from)))
    return Object.entries(to).flatMap(([name, value]) => differences(from?.[name], value, `${field}.${name}`, equal));
  if (to === undefined || equal(field, from, to)) return [];
  return [{ field, ...(from === undefined ? {} : { from: printed(from) }), to: printed(to) }];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const printed = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
