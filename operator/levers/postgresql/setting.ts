/** One parameter of a server, as its catalogue tells it. */
export interface ServerSetting {
  readonly name: string;
  /** What a new session without settings of its own gets, in `unit`; null where a setting of our own role or database hides it from us. */
  readonly value: string | null;
  readonly unit: string | null;
  readonly type: 'bool' | 'integer' | 'real' | 'enum' | 'string';
  /** When it can change: `postmaster` at a start only. */
  readonly context: string;
  /** Where the value comes from: `default`, `configuration file`, `command line`, … */
  readonly source: string;
  /** Of an enum, the values that this build has. */
  readonly choices: readonly string[] | null;
  /** The files have another value than the one in force, and only a start takes it. */
  readonly isPending: boolean;
  /** What the files have for the next start, as it stands there; null: nothing. Undefined: we may not see. */
  readonly inFiles?: string | null;
  /** What postgresql.auto.conf has, the file that ALTER SYSTEM writes; null: nothing. Undefined: we may not see. */
  readonly inAutoConf?: string | null;
  /** We have the right to ALTER SYSTEM it. */
  readonly maySet: boolean;
  /** A database that is ours may have a value of its own. */
  readonly mayDiffer: boolean;
}

/**
 * Whether a text means the value that the server has: units, the spellings of a switch, figures that a server rounds.
 *
 * @param value As the server gave it, or as it stands in its files.
 */
export function meansSame(setting: ServerSetting, text: string, value: string): boolean {
  const { name, type } = setting;
  if (type === 'bool') return switchOf(text) !== undefined && switchOf(text) === switchOf(value);
  if (type === 'enum') return choiceOf(name, text) === choiceOf(name, value);
  const wanted = figureOf(text, setting);
  const there = figureOf(value, setting);
  if (wanted === undefined || there === undefined) return text === value;
  return Math.abs(wanted - there) <= 1e-5 * Math.max(Math.abs(wanted), Math.abs(there)); // the catalogue shows six digits
}

/** Whether the value in force is what the text means. `-1` of wal_buffers lets the server choose, and it shows what it has chosen. */
export function isInForce(setting: ServerSetting, text: string): boolean {
  if (setting.value === null) return false;
  if (setting.name === 'wal_buffers' && figureOf(text, setting) === -1)
    return setting.source === 'default' || setting.source === 'override';
  return meansSame(setting, text, setting.value);
}

const switches: readonly (readonly [pattern: RegExp, on: boolean])[] = [
  [/^(?:on|t|tr|tru|true|y|ye|yes|1)$/i, true],
  [/^(?:off?|f|fa|fal|fals|false|n|no|0)$/i, false],
];
const switchOf = (text: string): boolean | undefined => switches.find(([pattern]) => pattern.test(text.trim()))?.[1];

function choiceOf(name: string, text: string): string {
  const choice = text.trim().toLowerCase();
  const isOn = switchOf(choice);
  if (name === 'wal_compression' && isOn === true) return 'pglz';
  return isOn === undefined || choice.length === 1 ? choice : isOn ? 'on' : 'off';
}

type Unit = Pick<ServerSetting, 'unit' | 'type'>;

const memoryUnits = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };
const timeUnits = { us: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 36e5, d: 864e5 };
const figure = /^([+-]?(?:0x[0-9a-f]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?))\s*([A-Za-z]*)$/i;

/** The number that a text stands for, in the setting's own unit; undefined where PostgreSQL would refuse it. */
export function figureOf(text: string, { unit, type }: Unit): number | undefined {
  const [, digits, suffix = ''] = figure.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const isOctal = type === 'integer' && /^[+-]?0[0-7]+$/.test(digits); // as C reads it
  const number = isOctal ? Number.parseInt(digits, 8) : Number(digits);
  const factor = suffix === '' ? 1 : factorOf(suffix, unit);
  if (factor === undefined) return undefined;
  return type === 'integer' ? Math.round(number * factor) : number * factor;
}

/** How many of the setting's unit (`8kB`, `ms`) one of the suffix is. */
function factorOf(suffix: string, unit: string | null): number | undefined {
  const [, count, base = ''] = /^([0-9]*)([A-Za-z]+)$/.exec(unit ?? '') ?? [];
  for (const units of [memoryUnits, timeUnits] as readonly Readonly<Record<string, number>>[]) {
    const [one, other] = [units[suffix], units[base]];
    if (one !== undefined && other !== undefined) return one / (other * Number(count || 1));
  }
  return undefined;
}

/** Bytes of a setting that is a size, by a text in any of its spellings; undefined where it is none. */
export function bytesOf(text: string, setting: Unit): number | undefined {
  const number = figureOf(text, setting);
  const one = factorOf('B', setting.unit);
  return number === undefined || one === undefined ? undefined : number / one;
}

/** A value of the server as a person writes it: 16384 of 8kB is `128MB`. */
export function shown(setting: Unit, value: string): string {
  const number = /^-?[0-9]+(?:\.[0-9]+)?$/.test(value) ? Number(value) : undefined;
  if (setting.unit === null || number === undefined || number <= 0) return value;
  const isMemory = factorOf('B', setting.unit) !== undefined;
  for (const suffix of Object.keys(isMemory ? memoryUnits : timeUnits).toReversed()) {
    const amount = number / (factorOf(suffix, setting.unit) ?? Number.NaN);
    if (Number.isInteger(amount)) return `${amount}${suffix}`;
  }
  return `${value}${setting.unit}`;
}
