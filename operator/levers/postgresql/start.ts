import { isCopied, type CopiedName } from './copied.ts';
import type { Copies } from './copies.ts';
import type { ServerSetting } from './setting.ts';
import { bytesOf, figureOf, isInForce } from './setting.ts';
import type { MemoryBound } from './wanted.ts';

/** What stands between a set of parameters and a server that comes up with it. */
export interface StartProblem {
  /** The parameters that must not be written. */
  readonly names: readonly string[];
  readonly saw: string;
  readonly wanted: string;
  readonly next: string;
}

export interface StartInput {
  readonly settings: Readonly<Record<string, ServerSetting>>;
  /** Of these parameters, what the next start would take; the rest stays as it is. */
  readonly next: ReadonlyMap<string, string>;
  /** Undefined: not known. */
  readonly memory: MemoryBound | undefined;
  /** That the write-ahead log may be bound to, a quarter of its volume; undefined: not known. */
  readonly mostLogBytes?: number | undefined;
  readonly isStandby: boolean;
  /** Standbys that follow it now. */
  readonly standbys: number;
  /** Absent: nobody was asked. */
  readonly copies?: Copies | undefined;
}

/** Seen: 48 kB a process on 15 and 18, beside what track_activity_query_size takes. */
const bytesPerProcess = 64 * 2 ** 10;
/** Shared memory is in use from the first page on that is touched; what is above is the sessions' and the page cache's. */
const mostShare = 0.4;
/** So much more than now starts on any machine that is not about to fail by itself. */
const unprovenBytes = 64 * 2 ** 20;
/** MAX_BACKENDS of its source. */
const mostProcesses = 262_143;

/** ALTER SYSTEM checks a value, not the next start: that is done here, before anything is written. Empty: the server starts. */
export function startProblems(input: StartInput): readonly StartProblem[] {
  const changed = [...input.next].filter(([name, text]) => {
    const setting = input.settings[name];
    return setting?.context === 'postmaster' && !isInForce(setting, text);
  });
  const wal = walSizes.flatMap((name) => walProblem(input, name) ?? []);
  if (changed.length === 0) return wal;
  const names = changed.map(([name]) => name);
  return [
    ...wal,
    ...[reservedProblem, processProblem, memoryProblem].flatMap((judge) => judge(input, names) ?? []),
    ...standbyProblems(input, names),
  ];
}

const now = ({ settings }: StartInput, name: string): number => numberOf(settings[name], settings[name]?.value ?? '0');
function then(input: StartInput, name: string): number {
  const text = input.next.get(name);
  return text === undefined ? now(input, name) : numberOf(input.settings[name], text);
}
const numberOf = (setting: ServerSetting | undefined, text: string): number =>
  setting === undefined ? 0 : (bytesOf(text, setting) ?? figureOf(text, setting) ?? 0);

/** A visit takes up to three connections and an index that is being built one: with fewer nobody here could raise it again. */
const ownConnections = 4;

function reservedProblem(input: StartInput, names: readonly string[]): StartProblem | undefined {
  if (!names.includes('max_connections')) return undefined;
  const reserved = now(input, 'superuser_reserved_connections') + now(input, 'reserved_connections');
  const most = then(input, 'max_connections');
  const least = reserved + ownConnections;
  if (most >= least) return undefined;
  return {
    names: ['max_connections'],
    saw: `max_connections = ${most} where the server reserves ${reserved} connections`,
    wanted:
      most > reserved
        ? `room for the ${ownConnections} that are genops' own`
        : 'more connections than are reserved: the server would not start',
    next: `set max_connections to ${least} or more`,
  };
}

const walSizes = ['min_wal_size', 'max_wal_size'] as const;

/** A reload takes any; a start does not take less, and a volume not more. */
function walProblem(input: StartInput, name: (typeof walSizes)[number]): StartProblem | undefined {
  const least = 2 * now(input, 'wal_segment_size');
  const { mostLogBytes: most = Number.POSITIVE_INFINITY } = input;
  const text = input.next.get(name);
  if (text === undefined) return undefined;
  if (then(input, name) < least)
    return {
      names: [name],
      saw: `${name} = ${text}`,
      wanted: `at least ${mib(least)}, two segments of the write-ahead log: the server takes less, and would not start again`,
      next: `set ${name} to ${mib(least)} or more`,
    };
  if (then(input, name) <= most) return undefined;
  return {
    names: [name],
    saw: `${name} = ${text} on a volume of ${mib(4 * most)}`,
    wanted: `at most ${Math.floor(most / 2 ** 20)}MB, a quarter of it: what the log fills up ends the server`,
    next: `lower it, or enlarge the volume, and say so (spec.postgres[].volumeSize)`,
  };
}

const counted = new Set(['max_connections', 'max_worker_processes', 'autovacuum_max_workers']);

/** From 18 on it is the slots that count, and the workers may change while it runs. */
const processes = (input: StartInput, of: typeof now): number =>
  of(input, 'max_connections') +
  of(input, 'max_worker_processes') +
  of(
    input,
    input.settings['autovacuum_worker_slots'] === undefined ? 'autovacuum_max_workers' : 'autovacuum_worker_slots',
  ) +
  of(input, 'max_wal_senders') +
  1;

function processProblem(input: StartInput, names: readonly string[]): StartProblem | undefined {
  const culprits = names.filter((name) => counted.has(name));
  const most = processes(input, then);
  if (culprits.length === 0 || most <= mostProcesses) return undefined;
  return {
    names: culprits,
    saw: `${most} processes (connections, workers and WAL senders together)`,
    wanted: `at most ${mostProcesses}: the server would not start`,
    next: `lower ${culprits.join(', ')}`,
  };
}

export const tellMemory =
  'say in postgres.sizing.memory how much memory the server has, or name its workload in spec.postgres[].workloadRef';

function memoryProblem(input: StartInput, names: readonly string[]): StartProblem | undefined {
  const [before, after] = [sharedBytes(input, now), sharedBytes(input, then)];
  if (after <= before) return undefined;
  const { memory } = input;
  const growing = names.filter((name) => then(input, name) > now(input, name));
  if (memory === undefined) {
    if (after - before <= unprovenBytes) return undefined;
    return {
      names: growing,
      saw: `shared memory of ${mib(after)} instead of ${mib(before)} with ${growing.join(', ')}, on a server of unknown size`,
      wanted: 'to be sure that it starts again',
      next: tellMemory,
    };
  }
  if (after <= memory.bytes * mostShare) return undefined;
  return {
    names: growing,
    saw: `shared memory of ${mib(after)} with ${growing.join(', ')}`,
    wanted: `at most ${mib(memory.bytes * mostShare)}, 40 % of ${memory.from}: above, the server may not start`,
    next: `lower them, or correct ${memory.from}`,
  };
}

/** Bytes, roughly as `postgres -C shared_memory_size` tells. */
const sharedBytes = (input: StartInput, of: typeof now): number =>
  of(input, 'shared_buffers') * 1.04 +
  Math.max(of(input, 'wal_buffers'), 0) +
  processes(input, of) * (bytesPerProcess + of(input, 'track_activity_query_size'));

const mib = (amount: number): string => `${Math.ceil(amount / 2 ** 20)}MB`;

/** A standby with less of these than its primary stops. */
const standbyProblems = (input: StartInput, names: readonly string[]): readonly StartProblem[] =>
  names.filter(isCopied).flatMap((name) => {
    const more = then(input, name) - now(input, name);
    const saw = input.isStandby ? more < 0 && lowerProblem(input, name) : more > 0 && higherProblem(input, name);
    if (saw === undefined || saw === false) return [];
    const wanted = 'a standby that has at least as much as its primary: else it stops';
    const next = `name both in spec.postgres; raise it on the standbys first and restart them; lower it on the primary first, and restart that`;
    return [{ names: [name], saw, wanted, next }];
  });

/** Until every standby is known to have as much. */
function higherProblem(input: StartInput, name: CopiedName): string | undefined {
  const standbys = input.copies?.others.filter(({ isStandby }) => isStandby) ?? [];
  const followers = standbys.filter(({ isFollowing }) => isFollowing).length;
  const following = standbys.reduce((total, one) => total + one.standbys, input.standbys); // some follow a standby
  const all = Math.max(following, standbys.length);
  if (all === 0) return undefined;
  const saw = `a higher ${name} on a primary with ${all} ${all === 1 ? 'standby' : 'standbys'}`;
  if (followers < following) return `${saw}, of which spec.postgres names ${followers}`;
  const least = Math.min(...standbys.map(({ figures }) => figures[name]));
  return least < then(input, name) ? `${saw}, one of which has ${least}` : undefined;
}

/** Until the primary has no more, and that has reached the standby. */
function lowerProblem({ copies, ...input }: StartInput, name: CopiedName): string | undefined {
  const saw = `a lower ${name} on a standby`;
  const primary = copies?.others.find(({ isStandby }) => !isStandby);
  if (primary === undefined) return `${saw} whose primary spec.postgres does not name`;
  if (primary.figures[name] > then(input, name)) return `${saw} whose primary has ${primary.figures[name]}`;
  const hasFollowed = (copies?.own?.replayedAt ?? 0) > primary.startedAt;
  return hasFollowed
    ? undefined
    : `${saw} that has replayed nothing yet of what its primary wrote since it was started`;
}
