import { problemMessage } from '../../api/problem.ts';
import { hashText } from '../../api/runtime-hash.ts';
import { runtimeSettingsFile } from '../../api/runtime-settings.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { ObjectMeta, OwnerReference } from '../../kube/object.ts';
import { differences } from '../differences.ts';
import type {
  Difference,
  LeverChange,
  LeverPlan,
  LeverUnit,
  PlanInput,
  PlannedCondition,
  UnitMemory,
} from '../lever.ts';
import { render, type Rendered } from './render.ts';
import { reportsOf, type PodReport, type Reports } from './reports.ts';

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
  /** Most connections that the budget leaves for each Pod's pool; AsItIs: not known yet, what stands there stays. Undefined: as declared. */
  readonly poolBound: number | 'AsItIs' | undefined;
  /** spec.replicas of the target. */
  readonly replicas: number;
}

/** A ConfigMap as far as it is asked here. */
export interface ConfigMapSeen {
  /** uid of its controller. */
  readonly controller: string | undefined;
  /** For which component it was written. */
  readonly component: string | undefined;
  readonly text: string | undefined;
  /** What others have put there is kept when it is written again. */
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
}

export interface RuntimeObserved {
  /** Undefined: there is none of that name. */
  readonly configMap: ConfigMapSeen | undefined;
  /** What each Ready Pod says; undefined where nobody has looked at them yet. */
  readonly pods: readonly PodReport[] | undefined;
}

export interface RuntimeChange extends LeverChange {
  readonly name: string;
  readonly text: string;
  /** What is written over. */
  readonly found: ConfigMapSeen | undefined;
}

/** Nobody tells of a ConfigMap that was edited. Of what the Pods say the collector does. */
const againMs = 60_000;

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
  const reports = reportsOf(pods, rendered.settings.hash);
  const differing = differencesFrom(configMap, rendered);
  const stay = {
    condition: conditionOf(unit, hash, reports),
    status:
      reports.kind === 'read'
        ? { runtime: { hash, podsCurrent: reports.total - reports.behind.length, podsTotal: reports.total } }
        : {},
    againMs,
  };
  if (differing.length === 0) return { ...stay, changes: [] };
  const change = {
    cause: causeOf(memory, hash),
    differences: differing,
    name: unit.configMapName,
    text: rendered.text,
    found: configMap,
    remember: { applied: { hash } },
  } as const;
  return { ...stay, changes: [change] };
}

/** The policy with a pool that fits. */
function boundPolicy({ policy, poolBound }: RuntimeUnit, configMap: ConfigMapSeen | undefined): RuntimeUnit['policy'] {
  const { postgresPool } = policy;
  const bound = poolBound === 'AsItIs' ? poolIn(configMap?.text) : poolBound;
  if (bound === undefined || bound >= postgresPool.max) return policy;
  return { ...policy, postgresPool: { ...postgresPool, max: Math.max(bound, postgresPool.min, 1) } };
}

function poolIn(text: string | undefined): number | undefined {
  const settings = parsed(text) as { readonly postgresPool?: { readonly max?: unknown } } | undefined;
  const max = settings?.postgresPool?.max;
  return Number.isInteger(max) ? Number(max) : undefined;
}

const isForeign = ({ owner, name, siblings }: RuntimeUnit, { controller, component }: ConfigMapSeen): boolean =>
  controller !== owner.uid || (component !== undefined && component !== name && siblings.includes(component));

function conflict({ namespace, configMapName, name }: RuntimeUnit, { component }: ConfigMapSeen): PlannedCondition {
  const whose = component === undefined ? 'that somebody else made' : `that has the settings of component ${component}`;
  const message = problemMessage({
    saw: `ConfigMap ${namespace}/${configMapName} ${whose}`,
    wanted: `that name for the runtime settings of component ${name}`,
    next: `set components[].runtimeConfigMapName to another name, or delete that ConfigMap`,
  });
  return { status: 'False', reason: 'Conflict', message };
}

/** Setting by setting; what stands there otherwise (an edit that is no JSON, a field too many) is one difference of the whole file. */
function differencesFrom(found: ConfigMapSeen | undefined, { settings, text }: Rendered): readonly Difference[] {
  if (found?.text === text) return [];
  const { version: _, hash: __, ...figures } = settings;
  const single = differences(parsed(found?.text), figures, 'runtime', (_field, from, to) => Object.is(from, to));
  if (single.length > 0) return single;
  return [{ field: runtimeSettingsFile, from: 'edited', to: settings.hash }];
}

function parsed(text: string | undefined): unknown {
  try {
    const found: unknown = JSON.parse(text ?? '');
    return typeof found === 'object' && found !== null ? found : undefined;
  } catch {
    return undefined; // it is written anew
  }
}

const causeOf = (memory: UnitMemory | undefined, hash: string): LeverChange['cause'] =>
  memory?.applied?.['hash'] === hash && memory.unconfirmed === undefined ? 'Drift' : 'Declared';

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
      message: `Which settings the Pods run with was not read yet: ${where}.`,
    };
  const { total, behind, isSilent } = reports;
  if (total === 0 && replicas > 0)
    return behindCondition({ saw: `no Ready Pod of ${replicas}`, wanted: `each to run with ${hash}` });
  if (behind.length === 0)
    return { status: 'True', reason: 'Applied', message: `${said(total)} with the settings ${hash} of ${where}.` };
  return behindCondition({
    saw: `${total - behind.length} of ${total} Ready Pods with the settings ${hash} of ${where}: ${behind.slice(0, 5).map(behindText).join(', ')}${behind.length > 5 ? ` and ${behind.length - 5} more` : ''}`,
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

const behindText = ({ name, running, failure }: PodReport): string =>
  failure === undefined
    ? `${name} ${running === undefined ? 'says none' : `runs ${hashText(running)}`}`
    : `${name} cannot be read (${failure})`;
