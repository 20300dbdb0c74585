import { problemMessage } from '../../api/problem.ts';
import type { PlannedCondition } from '../lever.ts';
import type { RedisChange } from './changes.ts';
import { comesDown } from './lowering.ts';
import type { NodeMemory } from './node-memory.ts';
import type { RedisObserved } from './observe.ts';
import type { ServerOwner } from './owner.ts';
import { serverNames } from './parameters.ts';
import type { RedisUnit } from './unit.ts';
import type { Verdict } from './verdict.ts';

/** What one node would take through the list. */
export interface Taking {
  readonly name: string;
  /** What this server calls it. */
  readonly serverName: string;
  readonly value: string;
  /** A limit that was judged with the declared eviction policy: without it writes may fail. */
  readonly needsPolicy: boolean;
}

/** What stands in another operator's object, and what is to stand there. */
interface OwnerList extends ServerOwner {
  readonly wanted: readonly string[];
}

/** Everything declared that this server takes at run time: one line that it refuses would hold up its operator. */
export function takingsOf(verdicts: readonly Verdict[], server: RedisObserved['server']): readonly Taking[] {
  const { config } = server;
  const isTaken = (name: string): boolean => config.access !== 'None' && !config.restartOnly.has(name);
  const isPolicyNew = verdicts.some(({ name, state }) => name === 'maxmemory-policy' && state === 'Differs');
  return verdicts.flatMap((one): readonly Taking[] => {
    if (!isTaken(one.name)) return []; // not even with the value that it has
    const names = { name: one.name, serverName: serverNameOf(one.name, server) };
    if (one.state === 'InForce') return [{ ...names, value: one.value, needsPolicy: false }];
    if (one.state !== 'Differs' || isTooLow(one, server)) return [];
    return [{ ...names, value: one.to, needsPolicy: one.name === 'maxmemory' && isPolicyNew }];
  });
}

/**
 * The list that harms no node: a line goes to all of them, so each has to take it. As long as one is not known the list stays as it is.
 *
 * @param nodes What each takes, a primary last; undefined: not known.
 */
export function agreedLines(
  nodes: readonly (readonly Taking[] | undefined)[],
  { lines }: ServerOwner,
): readonly string[] {
  const known = nodes.filter((takings) => takings !== undefined);
  if (known.length < nodes.length) return lines;
  const called = (name: string): string =>
    // before 7 no server knows the new name, and later ones know both
    known.flat().find((one) => one.name === name && one.serverName !== name)?.serverName ?? name;
  const isCommon = (name: string): boolean => known.every((takings) => takings.some((one) => one.name === name));
  const mayLimit = isCommon('maxmemory-policy') || !known.flat().some(({ needsPolicy }) => needsPolicy);
  return (known.at(-1) ?? [])
    .filter(({ name }) => isCommon(name) && (name !== 'maxmemory' || mayLimit))
    .map(({ name, value }) => lineOf(called(name), value));
}

/** What another operator's object has to have so that its servers get what is declared. */
export function planOwned(
  verdicts: readonly Verdict[],
  { serverId }: RedisObserved,
  owner: OwnerList,
  remember: NodeMemory,
): readonly RedisChange[] {
  const lines = owner.wanted;
  const isWritten = owner.heldBy === 'Us';
  const isAsked = verdicts.some((one) => one.state === 'Differs' && isThrough(one, owner));
  if (isForeign(owner) || (!isWritten && !isAsked) || isSame(lines, owner.lines)) return [];
  const [old, wanted] = [namedLines(owner.lines), namedLines(lines)];
  const differences = [...new Set([...old.keys(), ...wanted.keys()])].flatMap((name) => {
    const [from, to] = [old.get(name), wanted.get(name)];
    if (from === to) return [];
    return [{ field: `${name} in ${owner.label}`, ...(from !== undefined && { from }), to: to ?? 'nothing of ours' }];
  });
  return [{ cause: 'Declared', serverId, differences, remember, owner: { uid: owner.uid, lines } }];
}

/** Takes our list out of the object: what its operator then sets is its own. */
export function releaseOwner({ serverId, owner }: RedisObserved): readonly RedisChange[] {
  if (owner?.heldBy !== 'Us') return [];
  const differences = [...namedLines(owner.lines)].map(([name, from]) => ({
    field: `${name} in ${owner.label}`,
    from,
    to: 'nothing of ours',
  }));
  return [{ cause: 'Declared', serverId, differences, owner: { uid: owner.uid, lines: [] } }];
}

/** Why the servers do not have what goes through the object; undefined: they have it. */
export function ownedCondition(
  verdicts: readonly Verdict[],
  { server }: RedisObserved,
  { name }: RedisUnit,
  owner: OwnerList,
): PlannedCondition | undefined {
  const differing = verdicts.filter((verdict) => verdict.state === 'Differs' || verdict.state === 'PendingRestart');
  if (differing.length === 0) return undefined;
  const list = (some: readonly Different[]): string =>
    some.map((one) => `${one.name} ${one.from || '""'} instead of ${one.to || '""'}`).join(', ');
  const through = differing.filter((one) => one.state === 'Differs' && isThrough(one, owner));
  if (through.length > 0 && !isForeign(owner)) {
    const next = `nothing: ${owner.label} has the declared values in ${owner.field}, and its operator brings them to the servers; where that lasts, kubectl describe tells why`;
    const message = problemMessage({ saw: `${list(through)} on ${name}`, wanted: 'the declared values', next });
    return { status: 'False', reason: 'OwnerBehind', message };
  }
  const next = withoutTheList(differing, server, owner);
  const message = problemMessage({ saw: `${list(differing)} on ${name}`, wanted: 'the declared values', next });
  return { status: 'True', reason: 'ReportOnly', message };
}

type Different = Extract<Verdict, { state: 'Differs' | 'PendingRestart' }>;

/** What is to be done about that which the list is not to have. */
function withoutTheList(differing: readonly Different[], server: RedisObserved['server'], owner: OwnerList): string {
  const whoActs = (one: Different): 'Person' | 'Nobody' | 'Start' => {
    if (one.state === 'PendingRestart') return 'Start';
    return isForeign(owner) || isTooLow(one, server) ? 'Person' : 'Nobody';
  };
  const whose = typeof owner.heldBy === 'string' ? '' : `, a list that ${owner.heldBy.manager} has`;
  const next = {
    Person: (lines: string) =>
      `set ${lines} in ${owner.field} of ${owner.label}${whose}, when it suits: its operator owns this server`,
    Nobody: (lines: string) =>
      `nothing for ${lines}: a line of ${owner.label} goes to every node, and is written once all answer and may have it`,
    Start: (lines: string) =>
      `have ${lines} in the server’s own configuration at its next start, and not in ${owner.field}: refused there it would hold up its operator`,
  };
  return [...Map.groupBy(differing, whoActs)]
    .map(([who, some]) =>
      next[who](some.map(({ name, to }) => `"${lineOf(serverNameOf(name, server), to)}"`).join(', ')),
    )
    .join('; ');
}

const isForeign = ({ heldBy }: ServerOwner): boolean => typeof heldBy !== 'string';

const isThrough = ({ name, to }: Different, { wanted }: OwnerList): boolean =>
  serverNames(name).some((one) => wanted.includes(lineOf(one, to)));

const serverNameOf = (name: string, { config }: RedisObserved['server']): string =>
  (config.access === 'None' ? undefined : config.values.get(name)?.serverName) ?? name;

/** A limit below what is in use would throw all out at once: in steps only the server itself is lowered. */
const isTooLow = ({ name, to }: Different, server: RedisObserved['server']): boolean =>
  name === 'maxmemory' && comesDown(server, Number(to));

/** An empty value is none to both operators: what stands after the blank. */
const lineOf = (name: string, value: string): string => `${name} ${value}`;

const isSame = (some: readonly string[], others: readonly string[]): boolean => some.join('\n') === others.join('\n');

const namedLines = (lines: readonly string[]): ReadonlyMap<string, string> =>
  new Map(lines.map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)]));
