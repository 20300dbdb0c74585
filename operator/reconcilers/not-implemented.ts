import { annotations } from '../api/annotations.ts';
import type { Finding } from '../api/conditions.ts';
import { problemMessage } from '../api/problem.ts';
import type { ConditionType } from '../api/reasons.ts';
import type { Resolved } from '../decide/resolve.ts';

/** Parts of the API whose lever does not exist yet. A line goes with the lever that it waits for; the file goes with the last. */
const waiting = [
  { type: 'VerticalApplied', section: 'vertical' },
  { type: 'ResourcesApplied', section: 'resources' },
  { type: 'LoadBalancerApplied', section: 'loadBalancer' },
  { type: 'OptimizerActive', section: 'optimizer' },
  { type: 'BudgetsConsistent', section: 'budgets' },
] as const satisfies readonly { readonly type: ConditionType; readonly section: string }[];

/** What has no condition of its own: a field of the effective policy, or of the service. */
const fields: readonly { readonly name: string; readonly isSaid: (resolved: Resolved) => boolean }[] = [
  ...['postgres.indexAdvice', 'maintenanceWindows'].map((name) => ({
    name,
    isSaid: ({ origins }: Resolved) =>
      [...origins].some(([path, origin]) => origin !== 'default' && isWithin(path, name)),
  })),
  {
    name: 'components[].admin',
    isSaid: ({ service: { spec } }) => spec.components.some(({ admin }) => admin !== undefined),
  },
  {
    name: `the annotation ${annotations.approve}`,
    isSaid: ({ service: { metadata } }) => metadata.annotations?.[annotations.approve] !== undefined,
  },
];

const isWithin = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);

/** Says of every part that somebody declared and nobody acts on that it is so. What only the defaults have was not asked for. */
export function notImplemented(resolved: Resolved): readonly Finding<(typeof waiting)[number]['type']>[] {
  return waiting
    .filter(({ section }) => isDeclared(resolved, section) && !(section === 'budgets' && hasConnections(resolved)))
    .map(({ type, section }) => ({
      type,
      status: 'Unknown',
      reason: 'NotImplemented',
      message: notYet(section, `nothing of ${section} is acted on until you upgrade`),
    }));
}

/** Of the budgets, that of connections is kept. */
const hasConnections = ({ service: { spec } }: Resolved): boolean => (spec.postgres ?? []).length > 0;

/** Fields that somebody declared and nobody acts on, of parts that are acted on otherwise. For the message of Ready. */
export const ignoredFields = (resolved: Resolved): readonly string[] =>
  fields.filter(({ isSaid }) => isSaid(resolved)).map(({ name }) => name);

const notYet = (section: string, next: string): string =>
  problemMessage({ saw: `${section} declared`, wanted: 'what this version of genops does not have yet', next });

export function isDeclared({ service: { spec }, declared }: Resolved, section: string): boolean {
  return (
    (section === 'loadBalancer' && spec.loadBalancer !== undefined) ||
    declared.has(section) ||
    spec.components.some(({ overrides = {} }) => Object.hasOwn(overrides, section))
  );
}
