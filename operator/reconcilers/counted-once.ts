import type { GenerationService } from '../api/generation-service.ts';
import type { Resolved } from '../decide/resolve.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';

/** Whose word something is of the Pods of a component. */
export interface Noted {
  readonly service: GenerationService;
  readonly component: string;
}

/** Of what others say, no Pods that this service counts itself, and none twice: a service that only reports claims no target, so that another may have it too, whose word then counts. */
export function countedOnce<One extends Noted>(
  { components, service }: Resolved,
  noted: readonly One[],
): readonly One[] {
  const { namespace } = service.metadata;
  const own = new Set(components.map(({ spec }) => targetKey(namespace, spec.targetRef)));
  const byTarget = Map.groupBy(noted, targetOf);
  return [...byTarget].flatMap(([target, all]) => {
    const [first] = all.toSorted((a, b) => Number(isOnlyTold(a)) - Number(isOnlyTold(b)));
    return own.has(target) ? [] : all.filter((one) => one.service === first?.service);
  });
}

const isOnlyTold = ({ service }: Noted): boolean => service.spec.mode === 'DryRun';

/** Key of the workload. */
export function targetOf({ service: { metadata, spec }, component }: Noted): string {
  const found = spec.components.find(({ name }) => name === component);
  return found === undefined
    ? `${metadata.namespace}/${metadata.name}: ${component}` // it is gone from the spec, and was there at its last visit
    : targetKey(metadata.namespace, found.targetRef);
}
