import { createHash } from 'node:crypto';
import { problemMessage } from '../../api/problem.ts';
import type { LeverPlan, PlanInput, PlannedCondition } from '../lever.ts';
import { changesOf, memoryOf, rememberInForce, type PostgresChange } from './changes.ts';
import { judge, overlaidText } from './judge.ts';
import type { PostgresObserved } from './observe.ts';
import { meansSame } from './setting.ts';
import type { PostgresUnit } from './unit.ts';
import type { Differs, Held, Verdict } from './verdict.ts';
import { wantedValues } from './wanted.ts';

/** Nothing tells us of an ALTER SYSTEM by hand: the server is asked again. */
export const againMs = 30_000;

/** What of the policy is not in force on the server, what may be written, and what may not and why. */
export function plan(input: PlanInput<PostgresUnit, PostgresObserved>): LeverPlan<PostgresChange> {
  const { unit, observed } = input;
  const memory = memoryOf(input.memory, observed);
  const wanted = wantedValues(unit.policy, observed);
  const verdicts = judge(wanted, { unit, observed, memory });
  const differing = verdicts.filter((verdict) => verdict.state === 'Differs');
  const obstacle = differing.length === 0 ? undefined : obstacleTo(differing, unit, observed);
  const known = { memory, observed, verdicts };
  const changes = obstacle === undefined ? changesOf(known) : [];
  const isOurs = unit.clusterRef === undefined;
  const remember = changes.length === 0 && isOurs ? rememberInForce(known) : undefined;
  const waiting = verdicts.filter(({ state }) => state === 'PendingRestart').map(({ name }) => name);
  const written = differing.filter(({ atRestart }) => atRestart).map(({ name }) => name);
  const status = statusOf(unit, observed, wanted);
  return {
    changes,
    condition: obstacle ?? conditionOf(verdicts, { unit, observed, wanted }),
    status: { ...status, ...pendingRestart(waiting) },
    statusAfter: { ...status, ...pendingRestart([...waiting, ...written].toSorted()) },
    againMs,
    ...(remember === undefined ? {} : { remember }),
  };
}

const pendingRestart = (names: readonly string[]): Readonly<Record<string, unknown>> =>
  names.length === 0 ? {} : { pendingRestart: names };

/** Why nothing at all can be changed on this server. */
function obstacleTo(
  differing: readonly Differs[],
  { name, clusterRef }: PostgresUnit,
  { settings, role, mayReload }: PostgresObserved,
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
  const next = `GRANT EXECUTE ON FUNCTION pg_reload_conf() TO ${role}`;
  const message = problemMessage({ saw: `${saw}, and no right of ${role} to reload`, wanted: 'to set them', next });
  return { status: 'False', reason: 'PermissionDenied', message };
}

interface Said {
  readonly unit: PostgresUnit;
  readonly observed: PostgresObserved;
  readonly wanted: ReadonlyMap<string, string>;
}

/** What holds once the changes are made: first what may not be written, then what waits for a restart, then what others have instead. */
function conditionOf(verdicts: readonly Verdict[], said: Said): PlannedCondition {
  const { unit, observed } = said;
  const held = verdicts.filter((verdict) => verdict.state === 'Held').toSorted((a, b) => severity(a) - severity(b));
  const [worst] = held;
  if (worst !== undefined)
    return {
      status: worst.reason === 'OverlaidByRole' ? 'Unknown' : 'False',
      reason: worst.reason,
      message: heldText(held, said),
    };
  const waiting = waitingSettings(verdicts);
  const overlaid = overlaidSettings(said);
  const sentences = [
    waiting &&
      `Of ${unit.name}, ${waiting} waits for a restart: the old value is in force until then; everything else is.`,
    overlaid &&
      `The server has the declared values, but ${overlaid} wins over them (ALTER ROLE or ALTER DATABASE … SET).`,
  ].filter((text) => text !== '');
  const reason = waiting !== '' ? 'PendingRestart' : overlaid !== '' ? 'OverlaidByRole' : 'Applied';
  const applied = `${verdicts.length} parameters of ${unit.name} (PostgreSQL ${observed.version}) are in force.`;
  return { status: 'True', reason, message: sentences.length === 0 ? applied : sentences.join(' ') };
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

/** Where sessions of some role or database get another value than the declared one. */
function overlaidSettings({ observed: { overlays, settings }, wanted }: Said): string {
  const others = overlays.filter(({ name, value }) => {
    const [setting, text] = [settings[name], wanted.get(name)];
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
  const texts = [...wanted]
    .map((pair) => pair.join(' '))
    .toSorted()
    .join('\n');
  return { name, version, hash: createHash('sha256').update(texts).digest('hex').slice(0, 8) };
}
