import { problemMessage } from '../../api/problem.ts';
import { fragmentationOf } from '../../decide/cache-server.ts';
import { declaredHash } from '../declared-hash.ts';
import type { PlannedCondition } from '../lever.ts';
import { causeOf, inForceMemory, orderedChanges, rememberInForce, wasInForce } from './changes.ts';
import { persistsThen, withinContainer } from './container.ts';
import { fullPercent, isFullWith, judgeEviction } from './eviction.ts';
import type { RedisObserved, ServerObserved } from './observe.ts';
import { foresightFor, gentleValues, isComingDown, settledNames } from './lowering.ts';
import type { NodeMemory } from './node-memory.ts';
import type { NodePlan, NodePlanInput } from './nodes.ts';
import { agreedLines, ownedCondition, planOwned, takingsOf } from './plan-owned.ts';
import { isSettable, meansSame, render } from './parameters.ts';
import type { RedisUnit } from './unit.ts';
import type { Held, Verdict } from './verdict.ts';
import { severalServers, takesTurns, turnsOf } from './turns.ts';

/** Nothing tells us of a CONFIG SET by hand: the server is asked again. */
export const againMs = 30_000;
/** Another operator brings it within seconds. */
const ownerAgainMs = 10_000;

/** Of one node: what of the policy is not in force on it, what may be sent, and what may not and why. */
export function plan({ unit, observed, memory, now, agreed }: NodePlanInput): NodePlan {
  const { wanted, boundBy } = withinContainer(unit, observed);
  const status = { ...statusOf(unit, observed.server, wanted), ...(boundBy !== undefined && { boundBy }) };
  const obstacle = obstacleTo(unit, observed, wanted);
  if (obstacle !== undefined) return { changes: [], condition: obstacle, status, againMs };
  const turns = turnsOf(memory, observed.serverId, now);
  if (takesTurns(turns, now)) {
    const remember = { ...memory, serverRun: observed.serverId, ...turns };
    const message = problemMessage(severalServers(observed.address));
    return {
      changes: [],
      condition: { status: 'False', reason: 'SeveralServers', message },
      status,
      againMs,
      remember,
    };
  }

  const readOnly = unit.clusterRef !== undefined || observed.server.config.access === 'Read';
  const isStepping = !readOnly && unit.mode !== 'DryRun'; // the next step is another one at each look
  const known = memory?.serverRun === observed.serverId ? memory : undefined;
  const hadPolicy = wasInForce('maxmemory-policy', unit.policy.evictionPolicy, memory);
  const verdicts = judge(unit, observed, wanted, { hadPolicy, ...(isStepping && { steps: { memory: known, now } }) });
  const inForce = verdicts.filter((verdict) => verdict.state === 'InForce');
  const differing = verdicts.filter((verdict) => verdict.state === 'Differs');
  const pendingRestart = verdicts.filter((verdict) => verdict.state === 'PendingRestart');
  const lowering = verdicts.flatMap((verdict) => ('lowering' in verdict && verdict.lowering) || []).at(0);
  const settled = settledNames(observed.server, wanted, memory ?? {}).filter(
    (name) => !differing.some((one) => one.name === name),
  );
  const lasting = {
    fragmented: isFragmented(observed.server, memory),
    nearlyFull: isNearlyFull(verdicts, observed, memory),
  };
  const input = { memory, observed, inForce, now, settled, ...lasting, ...(lowering && { lowering }) };
  const cost = foresightFor(observed.server, Number(wanted.get('maxmemory') ?? 0));
  const ours = readOnly ? [] : orderedChanges(differing, input);
  const takings = takingsOf(verdicts, observed.server);
  const owner = observed.owner && { ...observed.owner, wanted: agreed ?? agreedLines([takings], observed.owner) };
  const changes = owner === undefined ? ours : planOwned(verdicts, observed, owner, inForceMemory(input));
  const isTuned = !readOnly || owner?.heldBy === 'Us';
  const remember = changes.length === 0 && isTuned ? rememberInForce(input) : undefined;
  const owned = owner && ownedCondition(verdicts, observed, unit, owner);
  const condition = conditionOf(verdicts, unit, observed, { readOnly, ...lasting, owned });
  return {
    changes,
    condition,
    status: {
      ...status,
      drifted: differing.filter((one) => causeOf(one, input) === 'Drift').length,
      ...(pendingRestart.length === 0 ? {} : { pendingRestart: pendingRestart.map(({ name }) => name) }),
    },
    againMs: condition.reason === 'OwnerBehind' ? ownerAgainMs : againMs,
    ...(cost !== undefined && { cost }),
    ...(remember === undefined ? {} : { remember }),
    takings,
  };
}

/** Why this server cannot be judged at all. */
export function obstacleTo(
  unit: RedisUnit,
  { server }: RedisObserved,
  wanted: ReadonlyMap<string, string>,
): PlannedCondition | undefined {
  if (server.config.access !== 'None') return undefined;
  // INFO still tells these two.
  const seen = new Map([
    ['maxmemory', String(server.maxMemoryBytes)],
    ['maxmemory-policy', server.evictionPolicy],
  ]);
  const differing = [...seen].flatMap(([name, value]) => {
    const text = wanted.get(name);
    return text === undefined || meansSame(name, text, value) ? [] : [`${name} ${value} instead of ${text}`];
  });
  const message = problemMessage({
    saw: `"${server.config.saw}" of ${unit.name}; INFO tells ${differing.length === 0 ? 'maxmemory and maxmemory-policy as declared' : differing.join(', ')}`,
    wanted: 'to read its settings with CONFIG GET',
    next: 'grant +config|get and +config|set, or set the values where the server is managed and set redis.mode: Off',
  });
  return { status: 'False', reason: 'ConfigDisabled', message };
}

function judge(
  unit: RedisUnit,
  observed: RedisObserved,
  wanted: ReadonlyMap<string, string>,
  {
    hadPolicy,
    steps,
  }: {
    readonly hadPolicy: boolean;
    readonly steps?: { readonly memory: NodeMemory | undefined; readonly now: number };
  },
): readonly Verdict[] {
  const { server } = observed;
  const judged = (values: ReadonlyMap<string, string>): readonly Verdict[] =>
    [...values]
      .filter(([name]) => name !== 'maxmemory' && name !== 'maxmemory-policy')
      .map(([name, text]) => judgeParameter(name, text, server));
  const verdicts = judged(wanted);
  const maxMemory = wanted.get('maxmemory');
  const eviction = judgeEviction({
    policy: unit.policy,
    maxMemoryBytes: maxMemory === undefined ? undefined : Number(maxMemory),
    persists: persistsThen(wanted, observed.server),
    observed,
    hadPolicy,
    steps: steps && { last: steps.memory?.lowering, now: steps.now },
  });
  const gentle =
    steps === undefined
      ? new Map()
      : gentleValues(server, wanted, { memory: steps.memory, comingDown: isComingDown(eviction[1]) });
  const others = verdicts.filter(({ name }) => !gentle.has(name));
  return [...eviction, ...others, ...judged(gentle)].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function judgeParameter(name: string, text: string, { config, product, version }: ServerObserved): Verdict {
  const rejected = (saw: string, wanted: string, next: string): Held => ({
    state: 'Held',
    name,
    reason: 'ConfigRejected',
    saw,
    wanted,
    next,
  });
  if (!isSettable(name)) {
    const wants = 'only parameters that decide on no file, access or role of the server';
    return rejected(`${name} in redis.parameters`, wants, 'remove it from the policy');
  }
  const there = config.access === 'None' ? undefined : config.values.get(name);
  if (there === undefined) {
    const saw = `a ${product} ${version} that knows no parameter ${name}`;
    return rejected(saw, `${name} = ${text}`, 'remove it from redis.parameters, or update the server');
  }
  try {
    const to = render(name, text, there.value);
    if (meansSame(name, to, there.value)) return { state: 'InForce', name, value: to };
    const atStart = config.access !== 'None' && config.restartOnly.has(name);
    return { state: atStart ? 'PendingRestart' : 'Differs', name, from: there.value, to };
  } catch (error) {
    if (!Error.isError(error) || error.name !== 'RangeError') throw error;
    return rejected(`${name} = "${text}"`, error.message, 'correct redis.parameters');
  }
}

/** What holds once the changes are made: first what may not be sent, then what may not be changed here, then what waits for a restart. */
function conditionOf(
  verdicts: readonly Verdict[],
  unit: RedisUnit,
  observed: RedisObserved,
  {
    readOnly,
    fragmented,
    nearlyFull,
    owned,
  }: {
    readonly readOnly: boolean;
    readonly fragmented: boolean;
    readonly nearlyFull: boolean;
    readonly owned: PlannedCondition | undefined;
  },
): PlannedCondition {
  const { name, clusterRef } = unit;
  const { product, version, savingFails } = observed.server;
  const held = verdicts
    .flatMap((verdict) =>
      verdict.state === 'Held' ? [verdict] : verdict.state === 'Differs' ? (verdict.underWay ?? []) : [],
    )
    .toSorted((a, b) => severity(a) - severity(b));
  const [worst] = held;
  if (worst !== undefined) {
    const others = held.slice(1).filter(({ saw, next }) => saw !== worst.saw || next !== worst.next);
    const message = [worst, ...others].map((one) => `${one.name} of ${name}: ${problemMessage(one)}`).join('. ');
    return { status: 'False', reason: worst.reason, message };
  }
  const differing = verdicts.filter((verdict) => verdict.state === 'Differs' || verdict.state === 'PendingRestart');
  const list = differing.map((one) => `${one.name} ${one.from || '""'} instead of ${one.to || '""'}`).join(', ');
  if (owned !== undefined) return owned;
  if (readOnly && differing.length > 0) {
    const next =
      clusterRef === undefined
        ? 'grant +config|set to change it here, or set it where the server is managed'
        : `set it in ${clusterRef.kind} ${clusterRef.name}, whose operator owns this server`;
    return {
      status: 'True',
      reason: 'ReportOnly',
      message: problemMessage({ saw: `${list} on ${name}`, wanted: 'the declared values', next }),
    };
  }
  if (savingFails) return unsaved(name);
  if (isBehind(observed)) return behind(name);
  if (nearlyFull) return withLittleRoom(name);
  const waiting = differing.filter(({ state }) => state === 'PendingRestart');
  if (waiting.length > 0) {
    const names = waiting.map((one) => `${one.name} (${one.from} instead of ${one.to})`).join(', ');
    const message = `Of ${name}, ${names} waits for a restart with the new value in the server's own configuration; everything else is in force.`;
    return { status: 'True', reason: 'PendingRestart', message };
  }
  if (fragmented) return inPieces(name);
  return {
    status: 'True',
    reason: 'Applied',
    message: `${verdicts.length} settings of ${name} (${product} ${version}) are in force.`,
  };
}

/** Not ours to cure, and whoever uses the server has to know: its settings are in force, its data is not safe. */
function unsaved(name: string): PlannedCondition {
  const message = problemMessage({
    saw: `rdb_last_bgsave_status err of ${name}: it could not save its data the last time, and with stop-writes-on-bgsave-error it answers every write with MISCONF`,
    wanted: 'a server that saves',
    next: 'see to its disk, folder and memory: its log says what was missing; the settings are in force',
  });
  return { status: 'True', reason: 'SavingFails', message };
}

/** So long above its limit, and so far: with writes a server hovers there, and catches up within a moment. */
const behindFromMs = 5_000;
const hovering = 1.01;
/** Before 7.0 no server tells how long. */
const farAbove = 1.05;

/** A replica has what its primary has, whatever its own limit is. */
function isBehind({ role, server }: RedisObserved): boolean {
  const { maxMemoryBytes: limit, usedMemoryBytes: used, aboveLimitMs } = server;
  if (limit === 0 || role === 'Replica') return false;
  return aboveLimitMs === undefined ? used > limit * farAbove : aboveLimitMs >= behindFromMs && used > limit * hovering;
}

function behind(name: string): PlannedCondition {
  const message = problemMessage({
    saw: `more in use on ${name} than its maxmemory, for seconds: keys go more slowly than others come, or none may go`,
    wanted: 'evictions that keep up: each write waits for them, and is refused where nothing may go',
    next: 'raise redis.maxMemory, declare an eviction policy that finds keys, or maxmemory-eviction-tenacity: "100" in redis.parameters, with which it throws out more at a time; the settings are in force',
  });
  return { status: 'True', reason: 'EvictionBehind', message };
}

/** Said from 90 % of the limit on, and over below that: with writes and expiries a server goes up and down between two looks. */
const roomAgainPercent = 85;

/** Once the changes are made: what can go then makes room for nothing. */
function isNearlyFull(
  verdicts: readonly Verdict[],
  { role, server }: RedisObserved,
  before: NodeMemory | undefined,
): boolean {
  const then = (name: string): string | undefined => {
    const verdict = verdicts.find((one) => one.name === name);
    return verdict?.state === 'Differs' ? verdict.to : verdict?.state === 'InForce' ? verdict.value : undefined;
  };
  const limit = Number(then('maxmemory') ?? server.maxMemoryBytes);
  const fromPercent = before?.nearlyFull === true ? roomAgainPercent : fullPercent;
  return (
    role === 'Primary' && isFullWith(server, limit, then('maxmemory-policy') ?? server.evictionPolicy, fromPercent)
  );
}

function withLittleRoom(name: string): PlannedCondition {
  const message = problemMessage({
    saw: `more than ${roomAgainPercent} % of maxmemory in use on ${name}, and an eviction policy that can evict too little of it`,
    wanted: 'room for what is written: at the limit every write fails',
    next: 'raise redis.maxMemory, delete data, or declare an eviction policy that can make room; the settings are in force',
  });
  return { status: 'True', reason: 'NearlyFull', message };
}

/** From where on it is said, and below which it is over: between them it stays as it was. */
const fragmentedFrom = 1.5;
const wholeBelow = 1.3;

function isFragmented(
  { memory: { allocatedBytes, residentBytes } }: ServerObserved,
  before: NodeMemory | undefined,
): boolean {
  const ratio = fragmentationOf({ allocatedBytes, residentBytes });
  return ratio !== undefined && ratio >= (before?.fragmented === true ? wholeBelow : fragmentedFrom);
}

function inPieces(name: string): PlannedCondition {
  const message = problemMessage({
    saw: `${name} take at least ${wholeBelow} times of what it has in use from the machine (mem_fragmentation_ratio)`,
    wanted: `less than ${fragmentedFrom} times`,
    next: 'set activedefrag: "yes" in redis.parameters where the server takes it, or restart it when it suits; the settings are in force',
  });
  return { status: 'True', reason: 'Fragmented', message };
}

const severities = [
  'NonExpiringKeys',
  'NothingToEvict',
  'OutOfBounds',
  'ConfigRejected',
  'LoweringStopped',
  'BigKey',
  'Lowering',
] as const satisfies readonly Held['reason'][];
const severity = ({ reason }: Held): number => severities.indexOf(reason);

/** status.redis[]. */
export function statusOf(
  { name }: RedisUnit,
  { product, version }: ServerObserved,
  wanted: ReadonlyMap<string, string>,
): Readonly<Record<string, unknown>> {
  return { name, server: product, version, hash: declaredHash(wanted), drifted: 0 };
}
