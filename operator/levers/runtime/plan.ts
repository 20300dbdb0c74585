import type { Component } from '../../api/component.ts';
import { problemMessage } from '../../api/problem.ts';
import { hashText } from '../../api/runtime-hash.ts';
import { runtimeSettingsFile } from '../../api/runtime-settings.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { OwnerReference } from '../../kube/object.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import type { LeverChange, LeverPlan, LeverUnit, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import { parsedSettings, settingsCause, settingsDifferences } from '../settings-file.ts';
import type { ConfigMapSeen } from '../owned-config-map.ts';
import { render, type Rendered } from './render.ts';
import { reportsOf, toldNow, withTold, type PodReport, type Reports } from './reports.ts';

/** The settings of one component's Pods. */
export interface RuntimeUnit extends LeverUnit {
  readonly namespace: string;
  readonly configMapName: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  /** The service's components: what is written for another of them is not this one's. */
  readonly siblings: readonly string[];
  /** Of its Pods. */
  readonly selector: readonly LabelRequirement[];
  readonly policy: EffectivePolicy['runtime'];
  /** Where its Pods can be told of settings; undefined: nowhere. */
  readonly admin: Component['admin'];
  /** Most connections that the budgets leave for each Pod's pool, as far as they are known; undefined: as declared. */
  readonly poolBound: number | undefined;
  /** One that is not known may leave less: a pool gets no more than it has, and a new one the least. */
  readonly holdsPool?: true;
  /** spec.replicas of the target. */
  readonly replicas: number;
}

export interface SettingsSeen extends ConfigMapSeen {
  /** For which component they were written. */
  readonly component: string | undefined;
  readonly text: string | undefined;
}

export interface RuntimeObserved {
  /** Undefined: there is none of that name. */
  readonly configMap: SettingsSeen | undefined;
  /** What each Ready Pod says; undefined where nobody has looked at them yet. */
  readonly pods: readonly PodReport[] | undefined;
}

export type RuntimeChange = WriteChange | PushChange;

export interface WriteChange extends LeverChange {
  readonly kind: 'Write';
  readonly name: string;
  readonly text: string;
  /** What is written over. */
  readonly found: SettingsSeen | undefined;
}

/** Nothing else than what is written: Pods are told of it before their volume has it. */
export interface PushChange extends LeverChange {
  readonly kind: 'Push';
  readonly admin: NonNullable<Component['admin']>;
  readonly pods: readonly PodView[];
  /** Of Ready Pods, these among them. */
  readonly total: number;
  readonly text: string;
  readonly hash: string;
}

/** Nobody tells of a ConfigMap that was edited. Of what the Pods say the collector does. */
const againMs = 60_000;
/** A Pod that did not take what it was told is told again. */
const toldAgainMs = 15_000;

/** The ConfigMap of one component: written, kept as declared, never anybody else's; and in force only once every Pod says so. */
export function plan({
  unit,
  observed: { configMap, pods },
  memory,
}: PlanInput<RuntimeUnit, RuntimeObserved>): LeverPlan<RuntimeChange> {
  if (configMap !== undefined && isForeign(unit, configMap))
    return { changes: [], condition: conflict(unit, configMap), status: {}, againMs };
  const rendered = render(boundPolicy(unit, configMap));
  const { hash } = rendered.settings;
  const reports = reportsOf(pods, hash);
  const told = toldNow(reports, unit.admin?.port);
  const after = unit.mode === 'Enforce' ? withTold(reports, told) : reports; // else nobody is told anything
  return {
    changes: [
      ...writing(unit, configMap, rendered, memory),
      ...pushing(unit, rendered, { pods: told, total: pods?.length ?? 0 }),
    ],
    condition: conditionOf(unit, hash, after),
    status: statusOf(hash, reports),
    statusAfter: statusOf(hash, after),
    againMs: told.length === 0 ? againMs : toldAgainMs,
  };
}

const statusOf = (hash: string, reports: Reports): LeverPlan<RuntimeChange>['status'] =>
  reports.kind === 'read' ? { runtime: { hash, podsCurrent: reports.current, podsTotal: reports.total } } : {};

function writing(
  { configMapName }: RuntimeUnit,
  found: SettingsSeen | undefined,
  rendered: Rendered,
  memory: UnitMemory | undefined,
): readonly WriteChange[] {
  const { hash } = rendered.settings;
  const differing = settingsDifferences(found?.text, rendered, { file: runtimeSettingsFile, section: 'runtime' });
  if (differing.length === 0) return [];
  return [
    {
      kind: 'Write',
      cause: settingsCause(memory, hash),
      differences: differing,
      name: configMapName,
      text: rendered.text,
      found,
      remember: { applied: { hash } },
    },
  ];
}

/** It makes no difference to what is declared, and so names none. */
const pushing = (
  { admin }: RuntimeUnit,
  { settings: { hash }, text }: Rendered,
  { pods, total }: Pick<PushChange, 'pods' | 'total'>,
): readonly PushChange[] =>
  admin === undefined || pods.length === 0
    ? []
    : [{ kind: 'Push', cause: 'Declared', differences: [], admin, pods, total, text, hash }];

/** The policy with a pool that fits. */
function boundPolicy(
  { policy, poolBound, holdsPool }: RuntimeUnit,
  configMap: SettingsSeen | undefined,
): RuntimeUnit['policy'] {
  const { postgresPool } = policy;
  const inForce = holdsPool === true ? (poolIn(configMap?.text) ?? postgresPool.min) : Infinity;
  const bound = Math.min(poolBound ?? Infinity, inForce);
  if (bound >= postgresPool.max) return policy;
  return { ...policy, postgresPool: { ...postgresPool, max: Math.max(bound, postgresPool.min, 1) } };
}

function poolIn(text: string | undefined): number | undefined {
  const settings = parsedSettings(text) as { readonly postgresPool?: { readonly max?: unknown } } | undefined;
  const max = settings?.postgresPool?.max;
  return Number.isInteger(max) ? Number(max) : undefined;
}

const isForeign = ({ owner, name, siblings }: RuntimeUnit, { controller, component }: SettingsSeen): boolean =>
  controller !== owner.uid || (component !== undefined && component !== name && siblings.includes(component));

function conflict({ namespace, configMapName, name }: RuntimeUnit, { component }: SettingsSeen): PlannedCondition {
  const whose = component === undefined ? 'that somebody else made' : `that has the settings of component ${component}`;
  const message = problemMessage({
    saw: `ConfigMap ${namespace}/${configMapName} ${whose}`,
    wanted: `that name for the runtime settings of component ${name}`,
    next: `set components[].runtimeConfigMapName to another name, or delete that ConfigMap`,
  });
  return { status: 'False', reason: 'Conflict', message };
}

function conditionOf(
  { namespace, configMapName, replicas }: RuntimeUnit,
  hash: string,
  reports: Reports,
): PlannedCondition {
  const where = `ConfigMap ${namespace}/${configMapName}`;
  if (reports.kind === 'unread')
    return {
      status: 'Unknown',
      reason: 'Pending',
      message: reports.isLookedAt
        ? `Which settings the Pods run with was not read yet: ${where}.`
        : `Which settings of ${where} the Pods run with is read by the operator alone: status.components[].runtime has it.`,
    };
  const { total, current, unread, behind, isSilent } = reports;
  if (total === 0 && replicas > 0)
    return behindCondition({ saw: `no Ready Pod of ${replicas}`, wanted: `each to run with ${hash}` });
  if (current === total)
    return { status: 'True', reason: 'Applied', message: `${said(total)} with the settings ${hash} of ${where}.` };
  return behindCondition({
    saw: `${current} of ${total} Ready Pods with the settings ${hash} of ${where}: ${listedOf(behind, unread)}`,
    wanted: 'all of them',
    next: isSilent
      ? `mount it (optional: true) and read it with genops/runtime, or serve the gauge generation_runtime_config_hash (docs/levers/runtime.md); or set runtime.mode: "Off"`
      : 'wait: a mounted ConfigMap arrives within about a minute; where it does not, look at the log of the Pods',
  });
}

const said = (total: number): string =>
  total === 0 ? 'No Pod runs; the next one begins' : total === 1 ? 'The Pod runs' : `All ${total} Pods run`;

const behindCondition = (about: Parameters<typeof problemMessage>[0]): PlannedCondition => ({
  status: 'False',
  reason: 'PodsBehind',
  message: problemMessage(about),
});

/** Who is behind, and how many may be. */
function listedOf(behind: readonly PodReport[], unread: number): string {
  const named = behind.slice(0, 5).map(behindText).join(', ');
  const more = behind.length > 5 ? ` and ${behind.length - 5} more` : '';
  return [`${named}${more}`, ...(unread > 0 ? [`${unread} not read yet`] : [])]
    .filter((part) => part !== '')
    .join(', ');
}

const behindText = ({ pod: { name }, running, failure }: PodReport): string =>
  failure === undefined
    ? `${name} ${running === undefined ? 'says none' : `runs ${hashText(running)}`}`
    : `${name} cannot be read (${failure})`;
