import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { Resolved } from '../../decide/resolve.ts';
import { unitMode, type LeverUnit } from '../lever.ts';

type PostgresPolicy = EffectivePolicy['postgres'];
type PostgresSpec = NonNullable<Resolved['service']['spec']['postgres']>[number];

/** One declared PostgreSQL and what is wanted of it. */
export interface PostgresUnit extends LeverUnit, Pick<PostgresSpec, 'workloadRef' | 'clusterRef' | 'volumeSize'> {
  readonly namespace: string;
  readonly secretName: string;
  readonly policy: PostgresPolicy;
}

export function units({ service, mode, policy: { postgres: policy } }: Resolved): readonly PostgresUnit[] {
  const namespace = service.metadata.namespace ?? '';
  return (service.spec.postgres ?? []).map(({ name, secretRef, ...references }) => ({
    ...references,
    name,
    mode: unitMode(mode, policy.mode),
    namespace,
    secretName: secretRef.name,
    policy,
  }));
}
