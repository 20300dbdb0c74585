import { amount, type Quantity } from '../api/quantity.ts';
import type { ContainerSizes, ResolvedComponent } from './resolve.ts';
import { steering, type Sized } from './steering.ts';

/** What a quota counts of Pods: CPU in thousandths of a core, memory in bytes. */
export const counted = ['requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory', 'pods'] as const;
export type Counted = (typeof counted)[number];

/** What a Pod asks for at least, and what it may come to where a VerticalPodAutoscaler sizes it. */
export interface Span {
  readonly least: number;
  readonly most: number;
}

/** What one Pod takes of a quota. */
export type PodAmounts = Readonly<Record<Counted, Span>>;

/** Of Pods as their template has them. */
export const templateAmounts = (containers: readonly ContainerSizes[]): PodAmounts =>
  together(containers.map((container) => (resource) => asDeclared(container, resource)));

/**
 * Of a component's Pods: as their template has them, but for what the levers set.
 *
 * @param isEnforced Whether they do.
 * @returns undefined where the template is of a kind that is not read.
 */
export function podAmounts(component: ResolvedComponent, isEnforced: boolean): PodAmounts | undefined {
  const { containers } = component.target;
  if (containers === undefined) return undefined;
  const ours = isEnforced ? ownContainer(component) : undefined;
  return together(
    containers.map(
      (container) => (resource) =>
        container === ours ? asSized(component, container, resource) : asDeclared(container, resource),
    ),
  );
}

/** The container that is measured and sized; undefined: there is none of that name, or the template is not read. */
const ownContainer = ({ spec, target: { containers = [] } }: ResolvedComponent): ContainerSizes | undefined =>
  spec.containerName === undefined ? containers[0] : containers.find(({ name }) => name === spec.containerName);

/** Memory limit of that container, in bytes; undefined: it has none, or nobody knows. */
export function ownMemoryLimit(component: ResolvedComponent, isEnforced: boolean): number | undefined {
  const container = ownContainer(component);
  if (container === undefined) return undefined;
  const { limits } = isEnforced ? asSized(component, container, 'memory') : asDeclared(container, 'memory');
  return limits.least === 0 ? undefined : limits.least;
}

interface Asked {
  readonly requests: Span;
  readonly limits: Span;
}

/** The API server gives a request that is not there the size of the limit. */
function asDeclared({ requests, limits }: ContainerSizes, resource: Sized): Asked {
  return {
    requests: exactly(units(resource, requests[resource] ?? limits[resource])),
    limits: exactly(units(resource, limits[resource])),
  };
}

function asSized(component: ResolvedComponent, container: ContainerSizes, resource: Sized): Asked {
  const { resources, vertical } = component.policy;
  const there =
    resources.mode === 'Enforce'
      ? {
          requests: exactly(units(resource, resources.requests[resource])),
          limits: exactly(units(resource, resources.limits[resource])),
        }
      : asDeclared(container, resource);
  if (!steering(component).sized.includes(resource)) return there;
  const { minAllowed, maxAllowed, controlledValues } = vertical;
  const requests = { least: units(resource, minAllowed[resource]), most: units(resource, maxAllowed[resource]) };
  const times = there.requests.most === 0 ? 1 : there.limits.most / there.requests.most;
  const limits = { least: Math.ceil(requests.least * times), most: Math.ceil(requests.most * times) };
  return { requests, limits: controlledValues === 'RequestsAndLimits' ? limits : there.limits };
}

function together(containers: readonly ((resource: Sized) => Asked)[]): PodAmounts {
  const sum = (list: keyof Asked, resource: Sized): Span =>
    containers
      .map((asked) => asked(resource)[list])
      .reduce((all, one) => ({ least: all.least + one.least, most: all.most + one.most }), exactly(0));
  return {
    'requests.cpu': sum('requests', 'cpu'),
    'requests.memory': sum('requests', 'memory'),
    'limits.cpu': sum('limits', 'cpu'),
    'limits.memory': sum('limits', 'memory'),
    pods: exactly(1),
  };
}

const exactly = (figure: number): Span => ({ least: figure, most: figure });

/** Whole thousandths of a core, whole bytes, rounded up as Kubernetes does; 0 where nothing is asked for. */
function units(resource: Sized, text: Quantity | undefined): number {
  const figure = (amount(text) ?? 0) * (resource === 'cpu' ? 1000 : 1);
  return Math.ceil(figure - 1e-6);
}
