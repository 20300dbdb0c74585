import { problemMessage } from '../../api/problem.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { LeverChange, PlannedCondition } from '../lever.ts';
import type { ConfigMapSeen } from '../owned-config-map.ts';
import { amountsText, type Amount } from './amounts.ts';
import type { ResourcesUnit } from './plan.ts';

/** What new Pods of the component begin with: a ConfigMap, which the admission policy of the chart (charts/genops/admission) reads as each is made. */
export interface NewPodsChange extends LeverChange {
  readonly kind: 'newPods';
  /** Off: the policy is not to read it any more. */
  readonly state: 'on' | 'off';
  readonly data: Readonly<Record<string, string>>;
  /** What is written over. */
  readonly found: ConfigMapSeen | undefined;
}

/** Label by which the admission policy finds it. */
export const newPodsLabel = 'genops.dev/new-pods';

const base = { kind: 'newPods', cause: 'Declared', node: 'new Pods' } as const;

type Unit = Pick<ResourcesUnit, 'owner' | 'selector' | 'newPodsName'>;

/** Written where it is not as declared. One of that name that is not ours stays: see `newPodsConflict`. */
export function planNewPods(
  unit: Unit,
  { container, amounts }: { readonly container: string; readonly amounts: readonly Amount[] },
  found: ConfigMapSeen | undefined,
): readonly NewPodsChange[] {
  if (isForeign(unit, found)) return [];
  const data = dataOf(unit, container, amounts);
  const isThere = stateOf(found) === 'on' && Object.entries(data).every(([key, text]) => found?.data[key] === text);
  if (isThere) return [];
  const to = amounts.length === 0 ? 'as their template says' : amountsText(amounts);
  return [{ ...base, state: 'on', data, found, differences: [{ field: 'new Pods', to }] }];
}

/** Ends it where it is ours and in force: the unit's own, or that of a component that is gone. */
export function endNewPods(unit: Unit, found: ConfigMapSeen | undefined): readonly NewPodsChange[] {
  if (isForeign(unit, found) || stateOf(found) !== 'on') return [];
  const node = found?.metadata.name === unit.newPodsName ? base.node : `new Pods (${found?.metadata.name})`;
  const differences = [{ field: node, to: 'as their template says' }];
  return [{ ...base, node, isWithdrawal: true, state: 'off', data: {}, found, differences }];
}

const stateOf = (found: ConfigMapSeen | undefined): string | undefined => found?.metadata.labels?.[newPodsLabel];

const isForeign = ({ owner }: Unit, found: ConfigMapSeen | undefined): boolean =>
  found !== undefined && found.controller !== owner.uid;

/** Why new Pods are left as their template says; undefined: they are not. */
export function newPodsConflict(
  { namespace, ...unit }: ResourcesUnit,
  found: ConfigMapSeen | undefined,
): PlannedCondition | undefined {
  if (!isForeign(unit, found)) return undefined;
  const message = problemMessage({
    saw: `ConfigMap ${namespace}/${unit.newPodsName} that somebody else made`,
    wanted: 'that name for the resources of new Pods',
    next: 'delete it',
  });
  return { status: 'False', reason: 'Conflict', message };
}

/** Flat, since CEL reads no JSON. Empty: the Pod keeps its own. */
function dataOf({ selector }: Unit, container: string, amounts: readonly Amount[]): Readonly<Record<string, string>> {
  const text = (list: Amount['list'], resource: Amount['resource']): string =>
    amounts.find((amount) => amount.list === list && amount.resource === resource)?.text ?? '';
  return {
    container,
    selector: selector.map(requirementLine).join('\n'),
    'requests.cpu': text('requests', 'cpu'),
    'requests.memory': text('requests', 'memory'),
    'limits.cpu': text('limits', 'cpu'),
    'limits.memory': text('limits', 'memory'),
  };
}

/** `app In workflow,other` */
const requirementLine = ({ key, operator, values }: LabelRequirement): string =>
  `${key} ${operator} ${values.join(',')}`;
