import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { Resolved } from '../../decide/resolve.ts';
import { unitMode, type LeverUnit } from '../lever.ts';

type RedisPolicy = EffectivePolicy['redis'];
type RedisSpec = NonNullable<Resolved['service']['spec']['redis']>[number];

/** One declared Redis and what is wanted of it. */
export interface RedisUnit extends LeverUnit, Pick<RedisSpec, 'workloadRef' | 'clusterRef' | 'sentinelMasterName'> {
  readonly namespace: string;
  readonly secretName: string;
  readonly policy: RedisPolicy;
  /** budgets.onViolation lowers maxmemory to what its container has room for. */
  readonly isClamped?: true;
}

/** Where the container's memory limit can be read. */
export type RedisWorkloadRef = NonNullable<RedisSpec['workloadRef']>;

export function units({ service, mode, policy }: Resolved): readonly RedisUnit[] {
  const clamped = policy.budgets.onViolation === 'Clamp' ? ({ isClamped: true } as const) : {};
  return (service.spec.redis ?? []).map((server) => ({
    ...unitOf(server, service.metadata.namespace ?? '', mode, policy.redis),
    ...clamped,
  }));
}

function unitOf(
  { name, secretRef, ...references }: RedisSpec,
  namespace: string,
  ceiling: Resolved['mode'],
  policy: RedisPolicy,
): RedisUnit {
  return {
    ...references,
    name,
    mode: unitMode(ceiling, policy.mode),
    namespace,
    secretName: secretRef.name,
    policy,
  };
}
