import { problemMessage } from '../../api/problem.ts';
import { declaredHash } from '../declared-hash.ts';
import type { LeverPlan, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import {
  changesOf,
  differenceOf,
  memoryOf,
  rememberInForce,
  type ChangesInput,
  type PostgresChange,
  type Write,
} from './changes.ts';
import { handOver } from './hand-over.ts';
import { planOwned } from './plan-owned.ts';
import { isDatabaseWay, judge, overlaidText } from './judge.ts';
import type { PostgresObserved } from './observe.ts';
import { leftThere, toPutBack } from './originals.ts';
import { meansSame } from './setting.ts';
import type { PostgresUnit } from './unit.ts';
import type { Differs, Held, Verdict } from './verdict.ts';
import { wantedValues } from './wanted.ts';

/** Nothing tells us of an ALTER SYSTEM by hand: the server is asked again. */
export const againMs = 30_000;
/** Another operator is at work: what became of it is soon to be seen. */
const ownerAgainMs = 10_000;

/** What of the policy is not in force on the server, what may be written, and what may not and why. */
export function plan(input: PlanInput<PostgresUnit, PostgresObserved>): LeverPlan<PostgresChange> {
  const { unit, observed } = input;
  const memory = memoryOf(input.memory, observed);
  const wanted = wantedValues(unit, observed);
  const verdicts = judge(wanted, { unit, observed, memory });
  const known = { memory, observed, verdicts };
  const { changes, obstacle, isTuned } = waysOf(known, unit);
  const left = isTuned && observed.owner === undefined ? leftThere(memory, observed, wanted) : [];
  const remember = changes.length === 0 && isTuned ? rememberInForce(known) : undefined;
  const waiting = verdicts.filter(({ state }) => state === 'PendingRestart').map(({ name }) => name);
  const sent = new Set(changes.flatMap(({ writes }) => writes.map(({ name }) => name)));
  const written = verdicts.flatMap((one) =>
    one.state === 'Differs' && one.atRestart && sent.has(one.name) ? [one.name] : [],
  );
  const status = statusOf(unit, observed, wanted);
  return {
    changes,
    condition: withDatabase(conditionOf(verdicts, { unit, observed, wanted, left }, obstacle), verdicts),
    status: { ...status, ...pendingRestart(waiting) },
    statusAfter: { ...status, ...pendingRestart([...waiting, ...written].toSorted()) },
    againMs: obstacle?.reason === 'OwnerBehind' || (unit.clusterRef && changes.length > 0) ? ownerAgainMs : againMs,
    ...(remember === undefined ? {} : { remember }),
  };
}

interface Ways {
  readonly changes: readonly PostgresChange[];
  /** Why what differs stays as it is, or is not there yet. */
  readonly obstacle: PlannedCondition | undefined;
  /** By us, directly or through its own operator's object; else it is only looked at. */
  readonly isTuned: boolean;
}

/** What may be done about what differs: on the server, on its database, or in the object that owns the server. */
function waysOf({ memory, observed, verdicts }: ChangesInput & Pick<Said, 'observed'>, unit: PostgresUnit): Ways {
  const { owner } = observed;
  const over = unit.clusterRef === undefined ? undefined : handOver(memory, observed, unit);
  if (owner !== undefined) {
    const { changes, obstacle } = planOwned({ unit, observed, verdicts }, owner);
    const isHeld = verdicts.some(({ state }) => state === 'Held'); // then that is said first
    return {
      changes: [...changes, ...(over?.changes ?? [])], // it has the values before they are taken from the server
      obstacle: over?.obstacle ?? (isHeld ? undefined : obstacle),
      isTuned: true,
    };
  }
  const onServer = verdicts.filter((one) => one.state === 'Differs').filter(({ database }) => database === undefined);
  const obstacle = onServer.length === 0 ? undefined : obstacleTo(onServer, unit, observed);
  if (over !== undefined) return { changes: over.changes, obstacle: over.obstacle ?? obstacle, isTuned: false };
  const writable = verdicts.filter((one) => obstacle === undefined || !onServer.some((other) => other === one));
  const changes = changesOf({ memory, observed, verdicts: writable });
  return { changes: [...noLongerNeeded(memory, observed), ...changes], obstacle, isTuned: true };
}

/** What was set on a database while the server could not be set, and can be now: there it would win. */
function noLongerNeeded(memory: UnitMemory | undefined, observed: PostgresObserved): readonly PostgresChange[] {
  const writes = toPutBack(memory ?? {}, observed).filter(({ name, database }) => {
    const setting = observed.settings[name];
    return database !== undefined && setting !== undefined && !isDatabaseWay(setting, observed);
  });
  if (writes.length === 0) return [];
  return [{ cause: 'Declared', differences: writes.map(differenceOf), systemId: observed.systemId, writes }];
}

/** What is set on a database alone is said too: running sessions do not have it. */
function withDatabase(condition: PlannedCondition, verdicts: readonly Verdict[]): PlannedCondition {
  const there = verdicts.filter((one) => 'database' in one && one.database !== undefined);
  const [first] = there;
  if (first === undefined || !('database' in first)) return condition;
  const names = there.map(({ name }) => name).join(', ');
  const said = `${names} is set on database ${first.database} alone (ALTER DATABASE), for want of a right to set the server: new sessions take it, those that run keep what they have.`;
  const reason = condition.reason === 'Applied' ? 'NewSessionsOnly' : condition.reason;
  return { ...condition, reason, message: `${condition.message.replace(/\.$/, '')}. ${said}` };
}

const pendingRestart = (names: readonly string[]): Readonly<Record<string, unknown>> =>
  names.length === 0 ? {} : { pendingRestart: names };

/** Why nothing at all can be changed on this server. */
function obstacleTo(
  differing: readonly Differs[],
  { name, clusterRef }: PostgresUnit,
  { settings, role, database, mayReload }: PostgresObserved,
): PlannedCondition | undefined {
  const list = differing.map((one) => `${one.name} ${one.from} instead of ${one.text}`).join(', ');
  const saw = `${list} on ${name}`;
  if (clusterRef !== undefined) {
    const next = `set them in ${clusterRef.kind} ${clusterRef.name}, whose operator owns this server`;
    return {
      status: 'True',
      reason: 'ReportOnly',
      message: problemMessage({ saw, wanted: 'the declared values', next }),
    };
  }
  if (settings['allow_alter_system']?.value === 'off') {
    const next =
      'set them where this server is managed and postgres.mode: DryRun, or allow_alter_system = on in its configuration';
    const message = problemMessage({ saw: `${saw}, and allow_alter_system = off`, wanted: 'to set them', next });
    return { status: 'False', reason: 'AlterSystemOff', message };
  }
  if (mayReload) return undefined;
  const next = `in database ${database}: GRANT EXECUTE ON FUNCTION pg_reload_conf() TO ${role}`;
  const message = problemMessage({ saw: `${saw}, and no right of ${role} to reload`, wanted: 'to set them', next });
  return { status: 'False', reason: 'PermissionDenied', message };
}

interface Said {
  readonly unit: PostgresUnit;
  readonly observed: PostgresObserved;
  readonly wanted: ReadonlyMap<string, string>;
  /** What would put back values that nobody declares any more. */
  readonly left: readonly Write[];
}

/** What holds once the changes are made: first what may not be written, then what waits for a restart, then what others have instead. */
function conditionOf(
  verdicts: readonly Verdict[],
  said: Said,
  obstacle: PlannedCondition | undefined,
): PlannedCondition {
  const { unit, observed } = said;
  const overlaid = overlaidSettings(verdicts, said);
  const first = obstacle ?? heldCondition(verdicts, said);
  if (first !== undefined) return overlaid === '' ? first : { ...first, message: besides(first.message, overlaid) };
  const waiting = waitingSettings(verdicts);
  const leftWaiting = said.left.filter(({ name }) => observed.settings[name]?.isPending === true);
  const leftInForce = said.left.filter((one) => !leftWaiting.includes(one));
  const sentences = [
    waiting &&
      `Of ${unit.name}, ${waiting} waits for a restart: the old value is in force until then; everything else is.`,
    leftWaiting.length > 0 && leftText(unit, leftWaiting, 'still takes force at the next restart'),
    overlaid &&
      `The server has the declared values, but ${overlaid} wins over them (ALTER ROLE or ALTER DATABASE … SET).`,
  ].filter((text) => text !== '' && text !== false);
  const reason =
    waiting !== '' || leftWaiting.length > 0 ? 'PendingRestart' : overlaid !== '' ? 'OverlaidByRole' : 'Applied';
  const applied = `${verdicts.length} parameters of ${unit.name} (PostgreSQL ${observed.version}) are in force.`;
  const stays = leftInForce.length > 0 ? [leftText(unit, leftInForce, 'stays in force')] : [];
  return { status: 'True', reason, message: [...(sentences.length === 0 ? [applied] : sentences), ...stays].join(' ') };
}

/** Else it would come to light only once what is said first is gone. */
const besides = (message: string, overlaid: string): string =>
  `${message.replace(/\.$/, '')}. Besides, ${overlaid} wins over what the server has (ALTER ROLE or ALTER DATABASE … SET).`;

function heldCondition(verdicts: readonly Verdict[], said: Said): PlannedCondition | undefined {
  const held = verdicts.filter((verdict) => verdict.state === 'Held').toSorted((a, b) => severity(a) - severity(b));
  const [worst] = held;
  if (worst === undefined) return undefined;
  const status = worst.reason === 'OverlaidByRole' ? 'Unknown' : 'False';
  return { status, reason: worst.reason, message: heldText(held, said) };
}

/** We put nothing back before the service is deleted: whoever removed it may want it all the same. */
function leftText(unit: PostgresUnit, left: readonly Write[], what: string): string {
  const list = left.map(({ name, before }) => `${name} = ${before}`).join(', ');
  const commands = left.map(({ name, to }) =>
    to === null ? `ALTER SYSTEM RESET ${name}` : `ALTER SYSTEM SET ${name} = '${to.replaceAll("'", "''")}'`,
  );
  const next = [...commands, 'SELECT pg_reload_conf()'].join('; ');
  return `Of ${unit.name}, ${list} is no longer declared, and ${what}; next: ${next}.`;
}

const waitingSettings = (verdicts: readonly Verdict[]): string =>
  verdicts
    .flatMap((one) =>
      one.state === 'PendingRestart' || (one.state === 'Differs' && one.atRestart)
        ? [`${one.name} (${one.from} instead of ${one.text})`]
        : [],
    )
    .join(', ');

/** Of each problem once. What only a grant is missing for is one command. */
function heldText(held: readonly Held[], { unit, observed: { role } }: Said): string {
  const ungranted = held.filter(({ isUngranted }) => isUngranted);
  const texts = held
    .filter(({ isUngranted }) => !isUngranted)
    .map((one) => ({ names: held.filter(({ saw, next }) => saw === one.saw && next === one.next), one }))
    .filter(({ names, one }) => names[0] === one)
    .map(({ names, one }) => `${names.map(({ name }) => name).join(', ')} of ${unit.name}: ${problemMessage(one)}`);
  if (ungranted.length === 0) return texts.join('. ');
  const list = ungranted.map(({ name }) => name).join(', ');
  const denied = problemMessage({
    saw: `no right of ${role} to set parameters of ${unit.name}`,
    wanted: ungranted.map((one) => one.wanted).join(', '),
    next: `GRANT ALTER SYSTEM ON PARAMETER ${list} TO ${role}`,
  });
  return [denied, ...texts].join('. ');
}

const severities = [
  'PermissionDenied',
  'SetOnCommandLine',
  'OutOfBounds',
  'ConfigRejected',
  'OverlaidByRole',
] as const satisfies readonly Held['reason'][];
const severity = ({ reason }: Held): number => severities.indexOf(reason);

/** Where sessions of some role or database get another value than the declared one, but for what is said of a parameter by itself. */
function overlaidSettings(verdicts: readonly Verdict[], { observed, wanted }: Said): string {
  const others = observed.overlays.filter(({ name, value, role, database }) => {
    if (verdicts.some((one) => one.name === name && one.state === 'Held' && one.reason === 'OverlaidByRole'))
      return false;
    const [setting, text] = [observed.settings[name], wanted.get(name)];
    const isOurs = role === null && database === observed.database; // and set, or taken away, in this visit
    if (isOurs && setting !== undefined && isDatabaseWay(setting, observed)) return false;
    return setting !== undefined && text !== undefined && !meansSame(setting, text, value);
  });
  return others.map(overlaidText).join(', ');
}

/** status.postgres[]. */
export function statusOf(
  { name }: PostgresUnit,
  { version }: PostgresObserved,
  wanted: ReadonlyMap<string, string>,
): Readonly<Record<string, unknown>> {
  return { name, version, hash: declaredHash(wanted) };
}
