import { parse } from 'yaml';
import { Problem } from '../api/problem.ts';
import { planners } from '../levers/registry.ts';
import { planAll, type AnyLever, type LeverMemory, type Observation, type UnitPlan } from '../levers/run.ts';
import { UsageError } from './command.ts';

const format = 'genops.dev/report/v1';

/** What plans are made from, as it is written down: plain data. */
export interface Bundle {
  readonly format: typeof format;
  /** Version of the program that wrote it. */
  readonly genops: string;
  /** RFC 3339 */
  readonly takenAt: string;
  readonly observations: readonly PlainObservation[];
  readonly memory: LeverMemory;
  /** What the operator said of its scaler's decisions; null: it was not asked, or did not say. */
  readonly decisions?: unknown;
  /** What that version planned. */
  readonly plans?: readonly unknown[];
  /** For people. */
  readonly [more: string]: unknown;
}

interface PlainObservation {
  readonly lever: string;
  readonly unit: unknown;
  readonly seen: unknown;
}

export const bundleHead = (genops: string, now: number): Pick<Bundle, 'format' | 'genops' | 'takenAt'> => ({
  format,
  genops,
  takenAt: new Date(now).toISOString(),
});

export const plainObservations = (observations: readonly Observation[]): readonly PlainObservation[] =>
  observations.map(({ lever, unit, seen }) => ({ lever: lever.name, unit: toPlain(unit), seen: toPlain(seen) }));

/** The plans by what is in the bundle alone, through the functions that the operator plans with. @throws {UsageError} for a lever that this version does not have. */
export function replayed({ observations, memory, takenAt }: Bundle): readonly UnitPlan[] {
  const seen = observations.map(({ lever, ...rest }): Observation => ({
    ...(fromPlain(rest) as Pick<Observation, 'unit' | 'seen'>),
    lever: planning(lever),
  }));
  return planAll(seen, { memory, now: Date.parse(takenAt), verb: 'plan' });
}

function planning(name: string): AnyLever {
  const planner = planners.find((one) => one.name === name);
  if (planner === undefined)
    throw new UsageError(`saw lever ${name}; wanted one of ${planners.map((one) => one.name).join(', ')}`);
  const offline = (): never => {
    throw new Error('a replay only plans');
  };
  return { ...planner, units: offline, observe: offline, apply: offline };
}

/** @throws {UsageError} for what is no bundle. */
export function readBundle(text: string, file: string): Bundle {
  const bundle = parsed(text, file);
  const isOne =
    isObject(bundle) &&
    bundle['format'] === format &&
    Array.isArray(bundle['observations']) &&
    isObject(bundle['memory']) &&
    !Number.isNaN(Date.parse(String(bundle['takenAt'])));
  if (!isOne) throw notOne(text, file);
  return bundle as unknown as Bundle;
}

function parsed(text: string, file: string): unknown {
  try {
    return parse(text, { logLevel: 'error' }); // JSON is YAML
  } catch (error) {
    throw notOne(text, file, { cause: error });
  }
}

/** A file that was cut off has the first lines of one. */
function notOne(text: string, file: string, options?: ErrorOptions): UsageError {
  const saw = text.slice(0, 200).includes(format)
    ? `saw ${file} begin as ${format}, and no observations and memory that can be read; wanted the whole file`
    : `saw no ${format} in ${file}; wanted a file`;
  return new UsageError(`${saw} of genops report`, options);
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Maps, sets and problems as JSON can say them. */
function toPlain(value: unknown): unknown {
  if (value instanceof Map) return { $map: [...value].map(toPlain) };
  if (value instanceof Set) return { $set: [...value].map(toPlain) };
  if (Array.isArray(value)) return value.map(toPlain);
  if (Error.isError(value)) {
    const { reason, saw, wanted, next } = value as Problem;
    return { $problem: { reason, saw, wanted, ...(next === undefined ? {} : { next }) } };
  }
  if (!isObject(value)) return value;
  return mapped(value, toPlain);
}

function fromPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (!isObject(value)) return value;
  const { $map, $set, $problem } = value;
  if (Array.isArray($map)) return new Map($map.map((entry) => fromPlain(entry) as [unknown, unknown]));
  if (Array.isArray($set)) return new Set($set.map(fromPlain));
  if (isObject($problem)) {
    const { reason, ...details } = $problem;
    return new Problem(reason as Problem['reason'], details as unknown as ConstructorParameters<typeof Problem>[1]);
  }
  return mapped(value, fromPlain);
}

/** Without what is undefined: nobody could write that down. */
const mapped = (value: Readonly<Record<string, unknown>>, by: (one: unknown) => unknown): unknown =>
  Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, by(one)]])));

/** Contents of one Secret. */
export type SecretContents = Readonly<Record<string, string | Buffer>>;

const addressKeys = ['uri', 'url', 'host', 'username', 'password', 'ca.crt', 'tls.crt', 'tls.key'];
const readKeys = { redis: addressKeys, postgres: [...addressKeys, 'user', 'dbname', 'database'] };

/**
 * Of a Secret what the address of such a server is read from, but for a port and a sslmode, which tell nothing alone.
 * Nothing else of it gets into a bundle, and of a short value, as `database: 0` of a Redis, only the figures would be struck that plans are made from.
 */
export const readOf = (data: SecretContents, server: keyof typeof readKeys): SecretContents =>
  Object.fromEntries(Object.entries(data).filter(([key]) => readKeys[server].includes(key)));

/** The same data without what is read of Secrets: passwords wherever they stand, names of users, hosts and databases where they stand as words. */
export function redacted(value: unknown, secrets: readonly SecretContents[]): unknown {
  const words = [...new Set(secrets.flatMap(wordsOf))].toSorted((a, b) => b.text.length - a.text.length);
  const clean = (text: string): string =>
    words.reduce((left, { pattern, key }) => left.replaceAll(pattern, `(${key} of a Secret)`), text);
  const visit = (one: unknown): unknown => {
    if (typeof one === 'string') return clean(one);
    if (Array.isArray(one)) return one.map(visit);
    if (!isObject(one)) return one;
    return isObject(one['$problem']) ? { $problem: withNext(one['$problem'], visit) } : mapped(one, visit);
  };
  return visit(value);
}

/** A command from which a name was struck is none that anybody could run. */
function withNext(problem: Readonly<Record<string, unknown>>, visit: (one: unknown) => unknown): unknown {
  const clean = mapped(problem, visit) as Readonly<Record<string, unknown>>;
  return clean['next'] === problem['next']
    ? clean
    : { ...clean, next: 'genops diff beside the cluster has the next step, with the names that are struck here' };
}

const names = new Set(['host', 'username', 'user', 'dbname', 'database']);

function wordsOf(contents: SecretContents) {
  return Object.entries(contents).flatMap(([key, value]) => {
    const text = value.toString().trim();
    if (text === '') return [];
    const escaped = RegExp.escape(text);
    const isWord = names.has(key);
    const pattern = isWord ? new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`, 'g') : new RegExp(escaped, 'g');
    return [{ key, text, pattern }];
  });
}
