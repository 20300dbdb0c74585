import { Problem, problemMessage } from '../../api/problem.ts';
import type { Difference, Outcome } from '../lever.ts';
import { nodeAddress, type RedisAddress } from './address.ts';
import type { RedisChange } from './changes.ts';
import { readConfig, setConfig, type ServerValue } from './config.ts';
import { connectRedis, type RedisConnection } from './connect.ts';
import { parseInfo } from './info.ts';
import { parameterOf } from './node-memory.ts';
import { writeOwner } from './owner.ts';
import { addressOf, listCluster, type RedisDeps } from './observe.ts';
import { meansSame } from './parameters.ts';
import { isForbidden, isReply, isUnanswered, serverProblem } from './server-error.ts';
import { askSentinels } from './sentinel.ts';
import { otherProcess, otherRole } from './turns.ts';
import type { RedisUnit } from './unit.ts';

type Values = ReadonlyMap<string, ServerValue>;

/** What the server said to the parameters that it did not take, by canonical name; or that it said nothing in time, and may have taken them. */
type Answer = ReadonlyMap<string, string> | 'Unanswered';

/** What is to be set on this node; `field` is what status and Events call it. */
interface Wanted extends Difference {
  readonly name: string;
}

/** A parameter as it is to be sent, by the name that this server has for it. */
interface Sending {
  readonly name: string;
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
  if (change.owner !== undefined) {
    await writeOwner(unit, change.owner, deps.kube, signal);
    return { result: 'applied' };
  }
  const secret = await addressOf(unit, deps, signal);
  const moved = await roleMoved(change, unit, secret, signal);
  if (moved !== undefined) return { result: 'outdated', problem: moved };
  const address = change.at === undefined ? secret : nodeAddress(secret, change.at);
  try {
    const { wanted, answer } = await send(change, address, signal);
    await using redis = await connectRedis(address, signal);
    const after = await readConfig(redis, namesOf(wanted));
    const missing = wanted.filter(({ name, to }) => !meansSame(name, to, after.get(name)?.value ?? ''));
    if (missing.length === 0) return { result: 'applied' };
    if (answer === 'Unanswered') throw unanswered(missing, redis.label);
    return refused(missing, { after, refusals: answer, from: change.node ?? unit.name });
  } catch (error) {
    signal.throwIfAborted();
    throw serverProblem(error, address.label);
  }
}

const namesOf = (wanted: readonly Wanted[]): readonly string[] => wanted.map(({ name }) => name);

/** @returns What is ours to set, and what the server said to that of it which was not yet so. */
async function send(
  change: RedisChange,
  address: RedisAddress,
  signal: AbortSignal,
): Promise<{ readonly wanted: readonly Wanted[]; readonly answer: Answer }> {
  await using redis = await connectRedis(address, signal);
  await sameServer(redis, change);
  const all = change.differences.map((one): Wanted => ({ ...one, name: parameterOf(one.field) }));
  const before = await readConfig(redis, namesOf(all));
  const wanted = change.onlyOurs === true ? all.filter((one) => isStill(one, before)) : all;
  const pairs = wanted.flatMap(({ name, to }): readonly Sending[] => {
    const there = before.get(name);
    return there === undefined || meansSame(name, to, there.value) ? [] : [{ name, pair: [there.serverName, to] }];
  });
  return { wanted, answer: await sendTogether(redis, pairs) };
}

function isStill({ name, from = '' }: Wanted, before: Values): boolean {
  const there = before.get(name);
  return there !== undefined && meansSame(name, from, there.value);
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

/** The nodes are listed anew, and no node is asked about itself: after a fail-over another one is to be set first. */
async function roleMoved(
  { at, role, node = '' }: RedisChange,
  { sentinelMasterName }: RedisUnit,
  secret: RedisAddress,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  if (at === undefined || role === undefined) return undefined;
  const listed = await (sentinelMasterName === undefined
    ? listCluster(secret, signal)
    : askSentinels(secret, sentinelMasterName, signal));
  const now = listed.find(({ host, port }) => host === at.host && port === at.port);
  return now?.role === role ? undefined : otherRole(node, role, now?.role);
}

async function sendOneByOne(redis: RedisConnection, pairs: readonly Sending[]): Promise<Answer> {
  const refusals = new Map<string, string>();
  for (const { name, pair } of pairs) {
    if (name === 'maxmemory' && refusals.has('maxmemory-policy')) {
      refusals.set(name, 'not sent, since the eviction policy it goes with was refused');
      continue;
    }
    try {
      await setConfig(redis, [pair]);
    } catch (error) {
      if (isUnanswered(error)) return 'Unanswered';
      if (!isReply(error) || isForbidden(error)) throw error;
      refusals.set(name, error.message);
    }
  }
  return refusals;
}

const unanswered = (missing: readonly Wanted[], label: string): Problem =>
  new Problem('Unreachable', {
    saw: `CONFIG SET unanswered by ${label}, and ${namesOf(missing).join(', ')} as before`,
    wanted: 'an answer within 1.5 s',
    next: 'look for long commands (SLOWLOG GET); it is tried again',
  });

function refused(
  missing: readonly Wanted[],
  {
    after,
    refusals,
    from,
  }: { readonly after: Values; readonly refusals: ReadonlyMap<string, string>; readonly from: string },
): Outcome {
  const messages = missing.map(({ name, to }) => {
    const saw = refusals.get(name) ?? `${name} = ${after.get(name)?.value ?? 'nothing'} after it was set`;
    return problemMessage({
      saw: `"${saw}" from ${from}`,
      wanted: `${name} = ${to}`,
      next: 'correct the value in the policy',
    });
  });
  return {
    result: 'refused',
    fields: missing.map(({ field }) => field),
    condition: { status: 'False', reason: 'ConfigRejected', message: messages.join('. ') },
  };
}
