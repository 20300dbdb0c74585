import { isDeepStrictEqual } from 'node:util';
import type { LeverChange } from '../lever.ts';
import type { Lowering, NodeMemory, RedisMemory } from './node-memory.ts';
import type { RedisObserved } from './observe.ts';
import type { ServerOwner } from './owner.ts';
import { meansSame } from './parameters.ts';
import type { Endpoint, Role } from './topology.ts';
import { turnsOf } from './turns.ts';

/** One round of CONFIG SET on one server; `differences` name parameters canonically and stand in the order in which they are to be set. */
export interface RedisChange extends LeverChange {
  /** The process that the plan was made for. */
  readonly serverId: string;
  /** Where it is; absent: at the address of the Secret. */
  readonly at?: Endpoint;
  /** What its Sentinel or cluster called it then. */
  readonly role?: Role;
  readonly remember?: RedisMemory;
  /** Puts back: a parameter that is no longer `from` when it would be sent is somebody else's and stays. */
  readonly onlyOurs?: true;
  /** Goes to the object of the server's own operator, and nothing to the server. */
  readonly owner?: Pick<ServerOwner, 'uid' | 'lines'>;
}

/** A parameter whose value may be sent. */
export interface Differing {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** `to` is a step on the way down. */
  readonly lowering?: Lowering;
}

export interface ChangesInput {
  readonly memory: NodeMemory | undefined;
  readonly observed: Pick<RedisObserved, 'serverId' | 'address'>;
  /** ms since the epoch. */
  readonly now: number;
  readonly inForce: readonly { readonly name: string; readonly value: string }[];
  /** To be forgotten: set for a while, and back. */
  readonly settled?: readonly string[];
  readonly fragmented?: boolean;
  readonly nearlyFull?: boolean;
  /** To be remembered of a limit on its way down. */
  readonly lowering?: Lowering;
}

/** Why a parameter is not as declared. What was only intended (a kill, a time-out) or refused is no drift. */
export function causeOf(
  { name, from, to, lowering }: Differing,
  { memory, observed: { serverId } }: ChangesInput,
): LeverChange['cause'] {
  const applied = memory?.applied?.[name];
  if (applied === undefined) return 'Declared';
  // Of a step nobody has had the value yet: it is drift where the last one is no longer there.
  const wasInForce = lowering === undefined ? meansSame(name, to, applied) : !meansSame(name, applied, from);
  if (!wasInForce) return 'Declared';
  if (memory?.serverRun !== serverId) return 'Restart';
  return memory.unconfirmed?.includes(name) === true ? 'Declared' : 'Drift';
}

/** Whether this value is known to have been in force, in whichever process. */
export const wasInForce = (name: string, value: string, memory: NodeMemory | undefined): boolean =>
  memory?.applied?.[name] === value && memory.unconfirmed?.includes(name) !== true;

/** What is to be remembered of a server on which nothing is to be changed; undefined when the memory says so already. */
export function rememberInForce(input: ChangesInput): NodeMemory | undefined {
  const next = inForceMemory(input);
  return isDeepStrictEqual(next, input.memory) ? undefined : next;
}

/**
 * One change for each cause; what was never in force comes last, since it may be refused and a refusal ends the visit.
 * Where maxmemory falls the eviction policy is there before; where it rises, after.
 */
export function orderedChanges(differing: readonly Differing[], input: ChangesInput): readonly RedisChange[] {
  const causes = ['Drift', 'Restart', 'Declared'] as const;
  const groups = causes.map((cause) => ({
    cause,
    parameters: differing.filter((one) => causeOf(one, input) === cause).toSorted((a, b) => rank(a) - rank(b)),
  }));
  const isPaired = differing.some(({ name }) => name === 'maxmemory-policy');
  const order = ({ parameters }: (typeof groups)[number]) =>
    isPaired ? parameters.reduce((sum, one) => sum + rank(one), 0) : 0;
  let memory = inForceMemory(input);
  return groups
    .filter(({ parameters }) => parameters.length > 0)
    .toSorted((a, b) => order(a) - order(b))
    .map(({ cause, parameters }) => {
      memory = withChange(memory, parameters, cause);
      const differences = parameters.map(({ name, from, to }) => ({ field: name, from, to }));
      return { cause, serverId: input.observed.serverId, differences, remember: memory };
    });
}

function rank({ name, from, to }: Differing): -1 | 0 | 1 {
  if (name !== 'maxmemory') return 0;
  const rises = Number(from) !== 0 && (Number(to) === 0 || Number(to) > Number(from));
  return rises ? -1 : 1;
}

/** After a restart only what is really there counts as ours. */
export function inForceMemory({
  memory,
  observed: { serverId, address },
  inForce,
  settled = [],
  fragmented = false,
  nearlyFull = false,
  lowering,
  now,
}: ChangesInput): NodeMemory {
  const restarted = memory?.serverRun !== undefined && memory.serverRun !== serverId;
  const found = Object.fromEntries(inForce.map(({ name, value }) => [name, value]));
  const unconfirmed = restarted ? [] : (memory?.unconfirmed ?? []).filter((name) => !(name in found));
  return {
    originals: without(memory?.originals, settled),
    applied: { ...(restarted ? {} : without(memory?.applied, settled)), ...found },
    serverRun: serverId,
    ...turnsOf(memory, serverId, now),
    address,
    ...(unconfirmed.length === 0 ? {} : { unconfirmed }),
    ...(fragmented && { fragmented }),
    ...(nearlyFull && { nearlyFull }),
    ...(lowering && { lowering }),
  };
}

const without = <T>(values: Readonly<Record<string, T>> = {}, names: readonly string[]): Readonly<Record<string, T>> =>
  names.length === 0 ? values : Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

/** A restarted server has what it would have without us: that is then the original. What only drifted had, before anybody changed it, what is declared. */
function withChange(memory: NodeMemory, parameters: readonly Differing[], cause: LeverChange['cause']): NodeMemory {
  const found = Object.fromEntries(parameters.map(({ name, from, to }) => [name, cause === 'Drift' ? to : from]));
  const originals = cause === 'Restart' ? { ...memory.originals, ...found } : { ...found, ...memory.originals };
  const applied = { ...memory.applied, ...Object.fromEntries(parameters.map(({ name, to }) => [name, to])) };
  return { ...memory, originals, applied };
}
