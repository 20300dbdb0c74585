/** INFO's answer by field name; the sections' headings are dropped, since no field stands in two of them. */
export type Info = ReadonlyMap<string, string>;

/** Reads INFO's answer. Lines that are none of `name:value` are left out. */
export function parseInfo(text: string): Info {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** A field that counts; 0 when this server does not have it. */
export const countOf = (info: Info, field: string): number => Number(info.get(field) ?? 0);

/** Errors that the server has answered with this code: `errorstat_OOM:count=12`. */
export const errorsOf = (info: Info, code: string): number =>
  Number(/count=([0-9]+)/.exec(info.get(`errorstat_${code}`) ?? '')?.[1] ?? 0);

/** All databases together: `db0:keys=12,expires=10,avg_ttl=0`. */
export function keyCounts(info: Info): { readonly keys: number; readonly withoutExpiry: number } {
  let keys = 0;
  let withoutExpiry = 0;
  for (const [field, value] of info) {
    const [, inDatabase, expiring] = /^db[0-9]+$/.test(field)
      ? (/keys=([0-9]+),expires=([0-9]+)/.exec(value) ?? [])
      : [];
    if (inDatabase === undefined || expiring === undefined) continue;
    keys += Number(inDatabase);
    withoutExpiry += Number(inDatabase) - Number(expiring);
  }
  return { keys, withoutExpiry };
}
