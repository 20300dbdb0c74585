import { Problem } from '../../api/problem.ts';
import type { UnitMemory } from '../lever.ts';
import { countOf, type Info } from './info.ts';

type Turns = Pick<UnitMemory, 'earlierRuns' | 'tookTurnsAt'>;

/** So long after they took turns last, several servers count as such: each is looked at some twenty times meanwhile. */
const turnsMs = 600_000;
const mostRuns = 4;

/**
 * The server processes that answered at this address of late. A restart never brings a run_id back; an address that leads to several servers (a Service in front of two Pods) does.
 *
 * @param now ms since the epoch.
 */
export function turnsOf(memory: UnitMemory | undefined, serverId: string, now: number): Turns {
  const { serverRun, earlierRuns, tookTurnsAt } = memory ?? {};
  const kept = { ...(earlierRuns && { earlierRuns }), ...(tookTurnsAt !== undefined && { tookTurnsAt }) };
  if (serverRun === undefined || serverRun === serverId) return kept;
  const recent = (earlierRuns ?? []).filter(({ until }) => now - until < turnsMs);
  const others = recent.filter(({ run }) => run !== serverId);
  return {
    ...kept,
    earlierRuns: [{ run: serverRun, until: now }, ...others].slice(0, mostRuns),
    ...(others.length < recent.length && { tookTurnsAt: now }),
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

/** A unit is looked at and changed within twice ten seconds (levers/run.ts). */
const olderThanLookSeconds = 60;

/** Another process than the one that was looked at just now: a restart, or one that was there all the time. */
export function otherProcess(info: Info, address: string): Problem {
  if (countOf(info, 'uptime_in_seconds') > olderThanLookSeconds)
    return new Problem('SeveralServers', severalServers(address));
  return new Problem('Failed', {
    saw: `another server process at ${address} than the one that was looked at`,
    wanted: 'the same',
    next: 'nothing: it is looked at again',
  });
}
