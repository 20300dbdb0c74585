import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { Sized } from '../../decide/steering.ts';
import type { VpaSpec } from './vpa.ts';

/** What the cluster can do. */
export interface Abilities {
  /** Update modes that the installed VPA knows; undefined: its schema does not say. */
  readonly updateModes: readonly string[] | undefined;
  /** The API server resizes Pods that run. */
  readonly canResize: boolean;
}

type Policy = EffectivePolicy['vertical'];

/** The declared mode as this cluster has it; undefined: it has none that keeps the promise. */
export function updateModeOf({ updateMode }: Pick<Policy, 'updateMode'>, abilities: Abilities): string | undefined {
  const isThere = abilities.updateModes?.includes(updateMode) ?? true;
  if (updateMode === 'Initial' || updateMode === 'Recreate') return updateMode;
  if (isThere && abilities.canResize) return updateMode;
  return updateMode === 'InPlace' ? undefined : 'Recreate'; // InPlace never evicts; the other falls back to that by itself
}

/** The nearest to a mode that replaces no Pod that runs. */
export function withoutEvictions(updateMode: string, { updateModes, canResize }: Abilities): string {
  if (updateMode === 'Initial' || updateMode === 'InPlace') return updateMode;
  return canResize && updateModes?.includes('InPlace') === true ? 'InPlace' : 'Initial';
}

interface RenderInput {
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly policy: Policy;
  readonly container: string;
  /** Empty: it only recommends. */
  readonly resources: readonly Sized[];
  readonly updateMode: string;
}

/** The VPA that a policy declares. Other containers of the Pod (sidecars) are nobody's business here. */
export function render({ targetRef, policy, container, resources, updateMode }: RenderInput): VpaSpec {
  const { apiVersion, kind, name } = targetRef;
  const sized = resources.length === 0 ? policy.controlledResources : resources;
  const bounds = (all: Policy['minAllowed']): Readonly<Record<string, unknown>> =>
    Object.fromEntries(sized.map((resource) => [resource, all[resource]]));
  return {
    targetRef: { apiVersion, kind, name },
    updatePolicy: { updateMode: resources.length === 0 ? 'Off' : updateMode },
    resourcePolicy: {
      containerPolicies: [
        {
          containerName: container,
          mode: 'Auto', // this container is sized; when is the update mode's
          minAllowed: bounds(policy.minAllowed),
          maxAllowed: bounds(policy.maxAllowed),
          controlledResources: [...sized],
          controlledValues: policy.controlledValues,
        },
        { containerName: '*', mode: 'Off' },
      ],
    },
  };
}
