import { Problem } from '../api/problem.ts';

/** Of a workload's Pod template what sizes its containers. */
export interface PodTemplate {
  /** In the order of the Pod; the one that the annotation kubectl.kubernetes.io/default-container names stands first. */
  readonly containers: readonly {
    readonly name: string;
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
  }[];
}

export interface TemplateOf {
  readonly namespace: string;
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  /** components[].containerName */
  readonly containerName: string | undefined;
}

/** Undefined: it is not there, or its kind has no template that we know. */
export type ReadTemplate = (of: TemplateOf, signal: AbortSignal) => Promise<PodTemplate | undefined>;

/** The container that is meant. @throws {Problem} Failed where there is none. */
export function containerOf(
  template: PodTemplate | undefined,
  { namespace, targetRef, containerName }: TemplateOf,
): PodTemplate['containers'][number] {
  const { containers = [] } = template ?? {};
  const found = containerName === undefined ? containers[0] : containers.find(({ name }) => name === containerName);
  if (found !== undefined) return found;
  const names = containers.map(({ name }) => name).join(', ');
  throw new Problem('Failed', {
    saw: `${targetRef.kind} ${namespace}/${targetRef.name} with ${names === '' ? 'no containers in a Pod template' : `the containers ${names}`}`,
    wanted: `container ${containerName ?? '(the first)'}`,
    next: 'correct components[].containerName',
  });
}
