import { isProblem, Problem } from '../../api/problem.ts';
import { nodeAddress, type RedisAddress } from './address.ts';
import { connectRedis, type RedisConnection } from './connect.ts';
import { isReply, serverProblem } from './server-error.ts';
import {
  mastersOf,
  newestOf,
  sentinelsOf,
  sentinelView,
  type Endpoint,
  type ListedNode,
  type SentinelView,
} from './topology.ts';

/**
 * Every node of the primary that Sentinel knows by this name, as the Sentinel knows them that has seen the latest fail-over: for some seconds two servers call themselves primary, and some Sentinels still name the old one.
 *
 * @throws {Problem} MasterUnknown, Unreachable, …
 */
export async function askSentinels(
  address: RedisAddress,
  master: string,
  signal: AbortSignal,
): Promise<readonly ListedNode[]> {
  const first = await askSentinel(address, master, signal);
  const others = await Promise.allSettled(
    first.others.map((at) => askSentinel(nodeAddress(address, at), master, signal)),
  );
  signal.throwIfAborted();
  const views = others.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.view] : [])); // who is silent has no say
  return newestOf(first.view, views).nodes;
}

async function askSentinel(
  address: RedisAddress,
  master: string,
  signal: AbortSignal,
): Promise<{ readonly view: SentinelView; readonly others: readonly Endpoint[] }> {
  await using sentinel = await openSentinel(address, signal);
  try {
    const ask = (...words: readonly string[]) => sentinel.command('SENTINEL', ...words);
    const primary = await ask('GET-MASTER-ADDR-BY-NAME', master);
    if (primary === null) throw unknownMaster(address, master, mastersOf(await ask('MASTERS')));
    const [told, replicas, sentinels] = await Promise.all([
      ask('MASTER', master),
      ask('REPLICAS', master),
      ask('SENTINELS', master),
    ]);
    return { view: sentinelView({ primary, master: told, replicas }), others: sentinelsOf(sentinels) };
  } catch (error) {
    signal.throwIfAborted();
    if (isReply(error) && /^ERR unknown command/i.test(error.message)) throw noSentinel(address, master);
    throw serverProblem(error, address.label);
  }
}

/** A Sentinel seldom has the users of its servers: their password goes only to one that asks for it. */
async function openSentinel(address: RedisAddress, signal: AbortSignal): Promise<RedisConnection> {
  const { username, password, ...open } = address;
  try {
    return await connectRedis(open, signal);
  } catch (error) {
    if (password === undefined || !isProblem(error) || error.reason !== 'AuthenticationFailed') throw error;
    return connectRedis(address, signal);
  }
}

const unknownMaster = ({ label }: RedisAddress, master: string, known: readonly string[]): Problem =>
  new Problem('MasterUnknown', {
    saw: `no primary ${master} at the Sentinel ${label}, which watches ${known.length === 0 ? 'none' : known.join(', ')}`,
    wanted: 'the primary that spec.redis[].sentinelMasterName names',
    next: 'correct sentinelMasterName',
  });

const noSentinel = ({ label }: RedisAddress, master: string): Problem =>
  new Problem('MasterUnknown', {
    saw: `a server at ${label} that is no Sentinel`,
    wanted: `a Sentinel that knows the primary ${master}`,
    next: 'put the address of the Sentinel (its port is 26379 mostly) into the Secret, or take sentinelMasterName out',
  });

/** A Sentinel at an address where a server was expected. */
export const unnamedMaster = async (sentinel: RedisConnection): Promise<Problem> =>
  new Problem('MasterUnknown', {
    saw: `a Sentinel at ${sentinel.label}, which watches ${mastersOf(await sentinel.command('SENTINEL', 'MASTERS')).join(', ') || 'no primary'}`,
    wanted: 'the name of the primary there',
    next: 'set spec.redis[].sentinelMasterName',
  });
