import type { RuntimeSettings } from '../api/runtime-settings.ts';

/** The least that each figure may be. */
type Least<T> = { readonly [Name in keyof T]: T[Name] extends number ? 0 | 1 : Least<T[Name]> };

/** The schema of the settings once more, as data: a schema library costs every process half a second of CPU at its start. A test holds the two against each other. */
const least: Least<Omit<RuntimeSettings, 'version' | 'hash' | 'pools'>> = {
  memory: { collectAboveBytes: 0 },
  cpuPool: { threads: 1, memoEntries: 0 },
  batch: { maxRequests: 1, maxWaitMs: 0 },
  http: { connections: 1, connectionsPerHost: 1, dnsTtlMs: 0, keepAliveMs: 0, timeoutMs: 1, connectTimeoutMs: 1 },
  cache: {
    l1: { entries: 0, ttlMs: 0 },
    l2: { ttlMs: 0 },
    warming: { hotAfterReads: 1, maxPerSecond: 0 },
  },
  postgresPool: { min: 0, max: 1, recycleAfterQueries: 1, idleTimeoutMs: 0, commandTimeoutMs: 1 },
  queryMonitor: { slowAboveMs: 0, maxStatements: 1 },
};

/** What is wrong with a document that is to be runtime settings; undefined: nothing. Fields that are not known are left alone. */
export function checkSettings(document: unknown): string | undefined {
  if (!isRecord(document)) return wrong('', document, 'an object');
  const { version, hash, pools } = document;
  if (version !== 1) return wrong('/version', version, '1');
  if (typeof hash !== 'string' || !/^[0-9a-f]{12}$/.test(hash)) return wrong('/hash', hash, '12 hexadecimal digits');
  if (!isRecord(pools)) return wrong('/pools', pools, 'an object');
  const ones = Object.fromEntries(Object.keys(pools).map((name) => [name, 1]));
  return wrongIn(pools, ones, '/pools') ?? wrongIn(document, least, '');
}

function wrongIn(found: unknown, wanted: object, path: string): string | undefined {
  if (!isRecord(found)) return wrong(path, found, 'an object');
  for (const [name, of] of Object.entries(wanted)) {
    const [value, at] = [found[name], `${path}/${name}`];
    const problem = typeof of === 'object' ? wrongIn(value, of as object, at) : wrongFigure(value, Number(of), at);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const wrongFigure = (value: unknown, atLeast: number, path: string): string | undefined =>
  Number.isInteger(value) && Number(value) >= atLeast
    ? undefined
    : wrong(path, value, `a whole number from ${atLeast}`);

const wrong = (path: string, saw: unknown, wanted: string): string =>
  `${path === '' ? '/' : path} is ${(JSON.stringify(saw) ?? 'not there').slice(0, 60)}, not ${wanted}`;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
