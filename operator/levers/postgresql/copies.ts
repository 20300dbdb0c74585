import { isProblem } from '../../api/problem.ts';
import { connectPostgres } from './connect.ts';
import { copiedNames, type CopiedName } from './copied.ts';
import { addressOf, readFacts, type PostgresDeps, type PostgresObserved } from './observe.ts';
import { serverProblem } from './server-error.ts';
import { isInForce } from './setting.ts';
import type { PostgresUnit } from './unit.ts';
import { wantedValues } from './wanted.ts';

/** A server, and those with the same data that its service names too. */
export interface Copies {
  /** Of a standby; undefined: a primary, or it does not answer any more. */
  readonly own: Copy | undefined;
  /** Of those that answered, each once. */
  readonly others: readonly Copy[];
}

interface Copy {
  readonly isStandby: boolean;
  /** Standbys that follow it now. */
  readonly standbys: number;
  /** It is a standby, and gets the log from another server now. */
  readonly isFollowing: boolean;
  /** Seconds since the epoch, by its own clock. No two servers have the same. */
  readonly startedAt: number;
  /** When the transaction ended, by the clock of the primary, that it has replayed last; null: none since it was started. */
  readonly replayedAt: number | null;
  /** In force. */
  readonly figures: Readonly<Record<CopiedName, number>>;
}

/** What was seen of a server, with what those of the same data have in force: asked only where a change hangs on it. */
export async function withCopies(
  observed: PostgresObserved,
  unit: PostgresUnit,
  deps: PostgresDeps,
  signal: AbortSignal,
): Promise<PostgresObserved> {
  const { systemId } = observed;
  if (systemId === null || !isAsked(observed, unit)) return observed;
  const look = async (secretName: string): Promise<Copy | undefined> =>
    readCopy({ ...unit, secretName }, systemId, deps, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isProblem(error)) return undefined; // then it is not known
      throw error;
    });
  const own = observed.isStandby ? await look(unit.secretName) : undefined;
  const others = await Promise.all(unit.otherSecrets.map(look));
  const byStart = new Map(others.flatMap((one) => (one === undefined ? [] : [[one.startedAt, one] as const])));
  return { ...observed, copies: { own, others: [...byStart.values()] } };
}

function isAsked(observed: PostgresObserved, unit: PostgresUnit): boolean {
  if (!observed.isStandby && observed.standbys === 0 && unit.otherSecrets.length === 0) return false;
  const wanted = wantedValues(unit, observed);
  return copiedNames.some((name) => {
    const [setting, text] = [observed.settings[name], wanted.get(name)];
    return setting !== undefined && text !== undefined && !isInForce(setting, text);
  });
}

const asking = `SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::float8 AS "startedAt",
  extract(epoch FROM pg_catalog.pg_last_xact_replay_timestamp())::float8 AS "replayedAt",
  EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver) AS "isFollowing",
  (SELECT pg_catalog.jsonb_object_agg(name, setting::int) FROM pg_catalog.pg_settings WHERE name = ANY ($1)) AS figures`;

/** @returns undefined where the Secret leads to other data. @throws {Problem} */
async function readCopy(
  unit: PostgresUnit,
  systemId: string,
  deps: PostgresDeps,
  signal: AbortSignal,
): Promise<Copy | undefined> {
  const address = await addressOf(unit, deps, signal);
  await using postgres = await connectPostgres(address, signal);
  try {
    const { isStandby, standbys, ...facts } = await readFacts(postgres);
    if (facts.systemId !== systemId) return undefined;
    type Row = Omit<Copy, 'isStandby' | 'standbys'> & { [column: string]: unknown };
    const [row] = await postgres.query<Row>(asking, [copiedNames]);
    return row && { ...row, isStandby, standbys };
  } catch (error) {
    signal.throwIfAborted();
    throw serverProblem(error, address.label);
  }
}
