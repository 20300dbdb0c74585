import type { UnitMemory } from '../lever.ts';
import type { Overlay, PostgresObserved } from './observe.ts';
import { bytesOf, isInForce, meansSame, shown, type ServerSetting } from './setting.ts';
import { startProblems, tellMemory } from './start.ts';
import type { PostgresUnit } from './unit.ts';
import type { Differs, Held, Verdict } from './verdict.ts';
import { logBoundOf, memoryBoundOf, type MemoryBound } from './wanted.ts';

export interface JudgeInput {
  readonly unit: PostgresUnit;
  readonly observed: PostgresObserved;
  /** Of this very server. */
  readonly memory: UnitMemory | undefined;
}

/** What is to be said of every declared parameter, by name. What would keep the server from starting again is held back. */
export function judge(wanted: ReadonlyMap<string, string>, input: JudgeInput): readonly Verdict[] {
  const verdicts = [...wanted].map(([name, text]) => judgeOne(name, text, input));
  const next = new Map(
    verdicts.flatMap((one) =>
      one.state === 'Differs' || one.state === 'PendingRestart' ? [[one.name, one.text]] : [],
    ),
  );
  const { settings, isStandby, standbys, copies } = input.observed;
  const problems = startProblems({
    settings,
    next,
    memory: memoryBoundOf(input.unit, input.observed),
    mostLogBytes: logBoundOf(input.unit, input.observed),
    isStandby,
    standbys,
    copies,
  });
  return verdicts
    .map((verdict): Verdict => {
      const problem = problems.find(({ names }) => names.includes(verdict.name));
      if (problem === undefined) return verdict;
      const { saw, wanted: wants, next: todo } = problem;
      return { state: 'Held', name: verdict.name, reason: 'OutOfBounds', saw, wanted: wants, next: todo };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function judgeOne(name: string, text: string, input: JudgeInput): Verdict {
  const setting = input.observed.settings[name];
  if (setting === undefined)
    return held(name, 'ConfigRejected', {
      saw: `a PostgreSQL ${input.observed.version} that knows no parameter ${name}`,
      wanted: `${name} = ${text}`,
      next: 'remove it from postgres.parameters, or update the server',
    });
  const there = onDatabase(setting, text, input);
  if (there !== undefined) return there;
  if (setting.value === null) return hidden(setting, text, input);
  const isFixed = setting.source === 'command line'; // and then pending for ever, whatever the files have
  if (isInForce(setting, text) && (isFixed || !setting.isPending)) return { state: 'InForce', name, text };
  if (isFixed) return onCommandLine(setting, text);
  const from = shown(setting, setting.value);
  if (isWaiting(setting, text, input.memory)) return { state: 'PendingRestart', name, text, from };
  return obstacleTo(setting, text, input) ?? differs(setting, text, input.memory);
}

/** Where the server's own value may not be set, that of the Secret's database may be, if it is ours. Undefined: the server's own counts. */
function onDatabase(setting: ServerSetting, text: string, input: JudgeInput): Verdict | undefined {
  const { name, value } = setting;
  const { observed, unit } = input;
  if (!isDatabaseWay(setting, observed) || unit.clusterRef !== undefined) return undefined;
  const { database } = observed;
  const own = databaseValue(name, observed);
  if (own !== undefined && meansSame(setting, text, own)) return { state: 'InForce', name, text, database };
  if (own === undefined && (value === null || isInForce(setting, text))) return undefined;
  const from = own ?? shown(setting, value ?? '');
  const verdict = { state: 'Differs', name, from, text, before: own ?? null, database, atRestart: false } as const;
  return outOfMemory(setting, text, memoryBoundOf(unit, observed)) ?? verdict;
}

/** We may not set it on the server, and may set it on the database. */
export function isDatabaseWay(
  { maySet, mayDiffer }: ServerSetting,
  { settings, mayReload, ownsDatabase }: PostgresObserved,
): boolean {
  const maySetServer = maySet && mayReload && settings['allow_alter_system']?.value !== 'off';
  return !maySetServer && mayDiffer && ownsDatabase;
}

/** What sessions of every role get in a database, the Secret's by default, instead of what the server has. */
export const databaseValue = (
  name: string,
  { overlays, database }: Pick<PostgresObserved, 'overlays' | 'database'>,
): string | undefined =>
  overlays.find((one) => one.name === name && one.role === null && one.database === database)?.value;

/** The files have the value already: they say so, or what is pending is what we were told to be written. */
function isWaiting(setting: ServerSetting, text: string, memory: UnitMemory | undefined): boolean {
  if (!setting.isPending || isInForce(setting, text)) return false;
  if (setting.inFiles !== undefined) return setting.inFiles !== null && meansSame(setting, text, setting.inFiles);
  const applied = memory?.applied?.[setting.name];
  return (
    applied !== undefined && meansSame(setting, text, applied) && memory?.unconfirmed?.includes(setting.name) !== true
  );
}

function differs(setting: ServerSetting, text: string, memory: UnitMemory | undefined): Differs {
  const { name, context } = setting;
  const before = setting.inAutoConf ?? memory?.originals?.[name] ?? null;
  const atRestart = context === 'postmaster' && !isInForce(setting, text);
  return { state: 'Differs', name, from: fromText(setting, text), text, before, atRestart };
}

/** What is in force as declared differs by what a start would take. */
function fromText(setting: ServerSetting, text: string): string {
  const { value, inFiles } = setting;
  const now = shown(setting, value ?? '');
  if (!isInForce(setting, text)) return now;
  const next = inFiles === undefined ? 'another value' : (inFiles ?? 'what it has by itself');
  return `${now} (from the next start on ${next})`;
}

function obstacleTo(setting: ServerSetting, text: string, { unit, observed, memory }: JudgeInput): Held | undefined {
  const { name } = setting;
  if (unit.clusterRef !== undefined) return outOfMemory(setting, text, memoryBoundOf(unit, observed)); // no right of ours counts there
  if (!setting.maySet)
    return {
      ...held(name, 'PermissionDenied', {
        saw: `no right of ${observed.role} to set it`,
        wanted: `${name} = ${text}`,
        next: `GRANT ALTER SYSTEM ON PARAMETER ${name} TO ${observed.role}`,
      }),
      isUngranted: true,
    };
  if (setting.inAutoConf === undefined && memory?.originals?.[name] === undefined)
    return held(name, 'PermissionDenied', {
      saw: `no right of ${observed.role} to see whether postgresql.auto.conf has it`,
      wanted: 'to know what to put back one day, before it is changed',
      next: `in database ${observed.database}: GRANT pg_read_all_settings TO ${observed.role}; ${grantingFiles(observed)}`,
    });
  return outOfMemory(setting, text, memoryBoundOf(unit, observed));
}

/** Views and functions are each database's own: a grant in another one changes nothing here. */
const grantingFiles = ({ role }: PostgresObserved): string =>
  `GRANT SELECT ON pg_file_settings TO ${role}; GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO ${role}`;

/** The most of the memory that one session, or one worker, may take by a single setting. PostgreSQL itself takes any. */
const mostOfMemory: Readonly<Record<string, number>> = {
  work_mem: 0.25,
  temp_buffers: 0.25,
  maintenance_work_mem: 0.5,
  autovacuum_work_mem: 0.25,
};

/** A server of which nobody says how much memory it has is given no more than one of this size. */
const assumed = { bytes: 4 * 2 ** 30, from: '4 GiB' };

function outOfMemory(setting: ServerSetting, text: string, memory: MemoryBound | undefined): Held | undefined {
  const share = mostOfMemory[setting.name];
  const wanted = bytesOf(text, setting);
  const { bytes, from } = memory ?? assumed;
  if (share === undefined || wanted === undefined || wanted <= bytes * share) return undefined;
  const most = `at most ${Math.floor((bytes * share) / 2 ** 20)}MB, ${share * 100} % of ${from}: each session may take it`;
  const saw = `${setting.name} = ${text}`;
  if (memory !== undefined)
    return held(setting.name, 'OutOfBounds', { saw, wanted: most, next: `lower it, or correct ${from}` });
  return held(setting.name, 'OutOfBounds', {
    saw: `${saw} on a server of unknown size`,
    wanted: most,
    next: tellMemory,
  });
}

const onCommandLine = (setting: ServerSetting, text: string): Held =>
  held(setting.name, 'SetOnCommandLine', {
    saw: `${setting.name} = ${shown(setting, setting.value ?? '')} on the command line of the server, which wins over ALTER SYSTEM`,
    wanted: text,
    next: `take -c ${setting.name}=… out of the container’s arguments`,
  });

function hidden({ name }: ServerSetting, text: string, { observed }: JudgeInput): Held {
  const own = observed.overlays.find((one) => one.name === name && isOurs(one, observed));
  const where = own === undefined ? 'its role or database' : overlaidText(own);
  return held(name, 'OverlaidByRole', {
    saw: `${where} in the way: ${observed.role} cannot see what the server itself has`,
    wanted: `${name} = ${text}`,
    next: `take that setting away (… RESET ${name}), or in database ${observed.database}: ${grantingFiles(observed)}`,
  });
}

const isOurs = (one: Overlay, { role, database }: PostgresObserved): boolean =>
  (one.role === null || one.role === role) && (one.database === null || one.database === database);

/** `work_mem = 64MB of role app in database shop` */
export const overlaidText = ({ name, value, role, database }: PostgresObserved['overlays'][number]): string =>
  `${name} = ${value} of ${[...(role === null ? [] : [`role ${role}`]), ...(database === null ? [] : [`database ${database}`])].join(' in ') || 'every role'}`;

const held = (
  name: string,
  reason: Held['reason'],
  why: { readonly saw: string; readonly wanted: string; readonly next: string },
): Held => ({ state: 'Held', name, reason, ...why });
