import { problemMessage } from '../../api/problem.ts';
import type { PlannedCondition } from '../lever.ts';
import type { PostgresChange } from './changes.ts';
import type { PostgresObserved } from './observe.ts';
import type { ServerOwner } from './owner.ts';
import { meansSame } from './setting.ts';
import type { PostgresUnit } from './unit.ts';
import type { Differs, Verdict } from './verdict.ts';

export interface OwnedPlan {
  readonly changes: readonly PostgresChange[];
  /** Why the server does not have what is declared; undefined: nothing stands between. */
  readonly obstacle: PlannedCondition | undefined;
}

interface OwnedInput {
  readonly unit: PostgresUnit;
  readonly observed: PostgresObserved;
  readonly verdicts: readonly Verdict[];
}

/** What another operator's object has to have so that its server gets what is declared. For what only a restart takes that operator restarts its servers: that is not asked for. */
export function planOwned({ unit, observed, verdicts }: OwnedInput, owner: ServerOwner): OwnedPlan {
  const differing = verdicts.filter((verdict) => verdict.state === 'Differs');
  const [atRestart, open] = [differing.filter((one) => one.atRestart), differing.filter((one) => !one.atRestart)];
  const absent = open.filter((one) => !isIn(owner, one, observed));
  const [foreign, missing] = [
    absent.filter((one) => isForeign(owner, one)),
    absent.filter((one) => !isForeign(owner, one)),
  ];
  return {
    changes: missing.length === 0 ? [] : [changeOf(missing, observed, owner)],
    obstacle: obstacleTo({ foreign, open, atRestart }, unit, owner),
  };
}

/** Somebody else has another value there: to apply ours beside it would be refused, with all the rest. */
const isForeign = ({ others }: ServerOwner, { name }: Differs): boolean => others[name] !== undefined;

function isIn({ parameters }: ServerOwner, { name, text }: Differs, { settings }: PostgresObserved): boolean {
  const [setting, there] = [settings[name], parameters[name]];
  return setting !== undefined && there !== undefined && meansSame(setting, text, there);
}

function changeOf(missing: readonly Differs[], { systemId }: PostgresObserved, owner: ServerOwner): PostgresChange {
  const kept = owner.ours.map((name) => [name, owner.parameters[name]]);
  return {
    cause: 'Declared',
    differences: missing.map(({ name, text }) => ({ ...from(owner, name), field: fieldIn(owner, name), to: text })),
    systemId,
    writes: [],
    owner: {
      uid: owner.uid,
      parameters: Object.fromEntries([...kept, ...missing.map(({ name, text }) => [name, text])]),
    },
  };
}

/** Takes all of ours out of the object: then it has what its own operator or somebody else says. */
export function releaseOwner(owner: ServerOwner, { systemId }: PostgresObserved): readonly PostgresChange[] {
  if (owner.ours.length === 0) return [];
  const differences = owner.ours.map((name) => ({
    ...from(owner, name),
    field: fieldIn(owner, name),
    to: 'nothing of ours',
  }));
  return [{ cause: 'Declared', differences, systemId, writes: [], owner: { uid: owner.uid, parameters: {} } }];
}

const fieldIn = ({ label }: ServerOwner, name: string): string => `${name} in ${label}`;
const from = ({ parameters }: ServerOwner, name: string) =>
  parameters[name] === undefined ? {} : { from: parameters[name] };

interface Differing {
  readonly foreign: readonly Differs[];
  readonly open: readonly Differs[];
  readonly atRestart: readonly Differs[];
}

function obstacleTo(
  { foreign, open, atRestart }: Differing,
  { name }: PostgresUnit,
  { label, parameters, others }: ServerOwner,
): PlannedCondition | undefined {
  const list = (differing: readonly Differs[]): string =>
    differing.map((one) => `${one.name} ${one.from} instead of ${one.text}`).join(', ');
  if (foreign.length > 0) {
    const saw = foreign.map((one) => `${one.name} = ${parameters[one.name]} (${others[one.name]})`).join(', ');
    const wanted = foreign.map((one) => `${one.name} = ${one.text}`).join(', ');
    const next = 'remove them there, or from the policy';
    return {
      status: 'False',
      reason: 'Conflict',
      message: problemMessage({ saw: `${saw} in ${label}`, wanted, next }),
    };
  }
  if (open.length > 0) {
    const next = `nothing: ${label} has the declared values, and its operator brings them to the server; where that lasts, kubectl describe tells why`;
    const message = problemMessage({ saw: `${list(open)} on ${name}`, wanted: 'the declared values', next });
    return { status: 'False', reason: 'OwnerBehind', message };
  }
  if (atRestart.length === 0) return undefined;
  const next = `set them in ${label} yourself when a restart suits: its operator restarts the servers for it`;
  const message = problemMessage({ saw: `${list(atRestart)} on ${name}`, wanted: 'the declared values', next });
  return { status: 'True', reason: 'ReportOnly', message };
}
