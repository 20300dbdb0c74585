import { childName } from '../../api/child-name.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { ComponentSpec } from '../../decide/resolve.ts';
import type { OwnerReference } from '../../kube/object.ts';
import type { LeverUnit, UnitMemory } from '../lever.ts';
import type { Gateway } from './gateway.ts';
import type { NginxSpec } from './settings.ts';

/** The nginx in front of one service. */
export interface LoadBalancerUnit extends LeverUnit {
  readonly namespace: string;
  readonly configMapName: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  readonly policy: EffectivePolicy['loadBalancer'];
  readonly nginx: NginxSpec;
  readonly components: readonly ComponentSpec[];
  /** Of the Pods that run the agent. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** Undefined: the user runs nginx. */
  readonly gateway: Gateway | undefined;
  /** Of the Pods that genops runs; undefined: nobody has told the operator. */
  readonly image: string | undefined;
  /** Requests that one Pod works on at once, by component. */
  readonly slots: Readonly<Record<string, number>>;
}

/** What is left of a load balancer that the service does not have any more. */
export interface FormerUnit extends LeverUnit {
  readonly namespace: string;
  readonly owner: OwnerReference;
  readonly isFormer: true;
}

export const isFormer = (unit: LoadBalancerUnit | FormerUnit): unit is FormerUnit => 'isFormer' in unit;

/** Of the objects of a gateway and, where no other is named, of the ConfigMap. */
export const gatewayName = (service: string): string => childName(service, 'nginx');

/** Whether nginx of ours was made and, as far as is known, not all of it has gone. */
export const hasGateway = (memory: UnitMemory | undefined): boolean => memory?.applied?.['gateway'] !== undefined;
