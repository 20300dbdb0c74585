import { Problem } from '../../api/problem.ts';
import type { NodeMemory } from './node-memory.ts';
import type { Role } from './topology.ts';

type Turns = Pick<NodeMemory, 'earlierRuns' | 'returnedAt' | 'tookTurnsAt'>;

/** So long after they took turns last, several servers count as such: each is looked at some twenty times meanwhile. */
const turnsMs = 600_000;
const mostRuns = 4;

/**
 * The server processes that answered at this address of late. A restart never brings a run_id back; a fail-over and back does once, an address that leads to several servers (a Service in front of two Pods) does again and again.
 *
 * @param now ms since the epoch.
 */
export function turnsOf(memory: NodeMemory | undefined, serverId: string, now: number): Turns {
  const { serverRun, earlierRuns, returnedAt, tookTurnsAt } = memory ?? {};
  const kept = {
    ...(earlierRuns && { earlierRuns }),
    ...(returnedAt !== undefined && { returnedAt }),
    ...(tookTurnsAt !== undefined && { tookTurnsAt }),
  };
  if (serverRun === undefined || serverRun === serverId) return kept;
  const recent = (earlierRuns ?? []).filter(({ until }) => now - until < turnsMs);
  const others = recent.filter(({ run }) => run !== serverId);
  const isBack = others.length < recent.length;
  const isAgain = isBack && returnedAt !== undefined && now - returnedAt < turnsMs;
  return {
    ...kept,
    earlierRuns: [{ run: serverRun, until: now }, ...others].slice(0, mostRuns),
    ...(isBack && { returnedAt: now }),
    ...(isAgain && { tookTurnsAt: now }),
  };
}

export const takesTurns = ({ tookTurnsAt }: Turns, now: number): boolean =>
  tookTurnsAt !== undefined && now - tookTurnsAt < turnsMs;

/** What a person is told. */
export const severalServers = (address: string) => ({
  saw: `several Redis processes that answer in turn at ${address}, none of them new`,
  wanted: 'one server for each entry of spec.redis: what is set on one is not in force on the others',
  next: 'put the address of a single server into the Secret (redis-0.redis.ai.svc of a StatefulSet, not a Service in front of several Pods), and name each other one in an entry of its own',
});

/** Another process than the one that was looked at just now: a restart, a fail-over, or one of several. The next looks tell. */
export const otherProcess = (address: string): Problem =>
  new Problem('Failed', {
    saw: `another server process at ${address} than the one that was looked at`,
    wanted: 'the same',
    next: 'nothing: it is looked at again',
  });

/** A fail-over since the nodes were looked at. */
export const otherRole = (address: string, planned: Role, now: Role | undefined): Problem =>
  new Problem('Failed', {
    saw: `${address} ${now === undefined ? 'in the topology no more' : `as ${now.toLowerCase()}`}`,
    wanted: `a ${planned.toLowerCase()}, as when it was looked at: replicas are set before their primary`,
    next: 'nothing: all nodes are looked at again',
  });
