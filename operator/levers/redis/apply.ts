import { Problem, problemMessage } from '../../api/problem.ts';
import type { Outcome } from '../lever.ts';
import type { RedisAddress } from './address.ts';
import type { RedisChange } from './changes.ts';
import { readConfig, setConfig, type ServerValue } from './config.ts';
import { connectRedis, type RedisConnection } from './connect.ts';
import { parseInfo } from './info.ts';
import { addressOf, type RedisDeps } from './observe.ts';
import { meansSame } from './parameters.ts';
import { isForbidden, isReply, isUnanswered, serverProblem } from './server-error.ts';
import { otherProcess } from './turns.ts';
import type { RedisUnit } from './unit.ts';

type Values = ReadonlyMap<string, ServerValue>;

/** What the server said to the parameters that it did not take, by canonical name; or that it said nothing in time, and may have taken them. */
type Answer = ReadonlyMap<string, string> | 'Unanswered';

type Differences = RedisChange['differences'];

/** A parameter as it is to be sent, by the name that this server has for it. */
interface Sending {
  readonly field: string;
  readonly pair: readonly [serverName: string, value: string];
}

/**
 * Sets what is not yet so and reads it back: only what the server answers counts.
 * A change that was not answered may have been made, so it is read back on a new connection before anything is said of it.
 *
 * @throws {Problem} Unreachable, PermissionDenied, …
 */
export async function apply(
  change: RedisChange,
  unit: RedisUnit,
  deps: RedisDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const address = await addressOf(unit, deps, signal);
  try {
    const { wanted, answer } = await send(change, address, signal);
    await using redis = await connectRedis(address, signal);
    const after = await readConfig(redis, fieldsOf(wanted));
    const missing = wanted.filter(({ field, to }) => !meansSame(field, to, after.get(field)?.value ?? ''));
    if (missing.length === 0) return { result: 'applied' };
    if (answer === 'Unanswered') throw unanswered(missing, redis.label);
    return refused(missing, { after, refusals: answer, unit });
  } catch (error) {
    signal.throwIfAborted();
    throw serverProblem(error, address.label);
  }
}

const fieldsOf = (differences: Differences): readonly string[] => differences.map(({ field }) => field);

/** @returns What is ours to set, and what the server said to that of it which was not yet so. */
async function send(
  change: RedisChange,
  address: RedisAddress,
  signal: AbortSignal,
): Promise<{ readonly wanted: Differences; readonly answer: Answer }> {
  await using redis = await connectRedis(address, signal);
  await sameServer(redis, change);
  const before = await readConfig(redis, fieldsOf(change.differences));
  const wanted =
    change.onlyOurs === true ? change.differences.filter((one) => isStill(one, before)) : change.differences;
  const pairs = wanted.flatMap(({ field, to }): readonly Sending[] => {
    const there = before.get(field);
    return there === undefined || meansSame(field, to, there.value) ? [] : [{ field, pair: [there.serverName, to] }];
  });
  return { wanted, answer: await sendTogether(redis, pairs) };
}

function isStill({ field, from = '' }: Differences[number], before: Values): boolean {
  const there = before.get(field);
  return there !== undefined && meansSame(field, from, there.value);
}

async function sendTogether(redis: RedisConnection, pairs: readonly Sending[]): Promise<Answer> {
  if (pairs.length === 0) return new Map();
  try {
    await setConfig(
      redis,
      pairs.map(({ pair }) => pair),
    );
    return new Map();
  } catch (error) {
    if (isUnanswered(error)) return 'Unanswered';
    // Before 7.0 one at a time is all there is; from 7.0 one bad value has made the whole set void.
    if (!isReply(error) || isForbidden(error)) throw error;
    return sendOneByOne(redis, pairs);
  }
}

/** The plan holds for the process that it was made for: another one has other data and other limits. */
async function sameServer(redis: RedisConnection, { serverId }: RedisChange): Promise<void> {
  const info = parseInfo(String(await redis.command('INFO', 'server')));
  if (info.get('run_id') !== serverId) throw otherProcess(redis.label);
}

async function sendOneByOne(redis: RedisConnection, pairs: readonly Sending[]): Promise<Answer> {
  const refusals = new Map<string, string>();
  for (const { field, pair } of pairs) {
    if (field === 'maxmemory' && refusals.has('maxmemory-policy')) {
      refusals.set(field, 'not sent, since the eviction policy it goes with was refused');
      continue;
    }
    try {
      await setConfig(redis, [pair]);
    } catch (error) {
      if (isUnanswered(error)) return 'Unanswered';
      if (!isReply(error) || isForbidden(error)) throw error;
      refusals.set(field, error.message);
    }
  }
  return refusals;
}

const unanswered = (missing: Differences, label: string): Problem =>
  new Problem('Unreachable', {
    saw: `CONFIG SET unanswered by ${label}, and ${missing.map(({ field }) => field).join(', ')} as before`,
    wanted: 'an answer within 1.5 s',
    next: 'look for long commands (SLOWLOG GET); it is tried again',
  });

function refused(
  missing: Differences,
  {
    after,
    refusals,
    unit,
  }: { readonly after: Values; readonly refusals: ReadonlyMap<string, string>; readonly unit: RedisUnit },
): Outcome {
  const messages = missing.map(({ field, to }) => {
    const saw = refusals.get(field) ?? `${field} = ${after.get(field)?.value ?? 'nothing'} after it was set`;
    return problemMessage({
      saw: `"${saw}" from ${unit.name}`,
      wanted: `${field} = ${to}`,
      next: 'correct the value in the policy',
    });
  });
  return {
    result: 'refused',
    fields: fieldsOf(missing),
    condition: { status: 'False', reason: 'ConfigRejected', message: messages.join('. ') },
  };
}
