import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { Resolved } from '../../decide/resolve.ts';
import { unitMode, type LeverUnit } from '../lever.ts';

type PostgresPolicy = EffectivePolicy['postgres'];
type PostgresSpec = NonNullable<Resolved['service']['spec']['postgres']>[number];

/** One declared PostgreSQL and what is wanted of it. */
export interface PostgresUnit
  extends LeverUnit, Pick<PostgresSpec, 'workloadRef' | 'clusterRef' | 'volumeSize' | 'clientRole'> {
  readonly namespace: string;
  readonly secretName: string;
  readonly policy: PostgresPolicy;
  /** Of the other servers of the service: some may have the same data, as a primary and its standbys. */
  readonly otherSecrets: readonly string[];
}

export function units({ service, mode, policy: { postgres: policy } }: Resolved): readonly PostgresUnit[] {
  const namespace = service.metadata.namespace ?? '';
  const servers = service.spec.postgres ?? [];
  const secrets = new Set(servers.map(({ secretRef }) => secretRef.name));
  return servers.map(({ name, secretRef, ...references }) => ({
    ...references,
    name,
    mode: unitMode(mode, policy.mode),
    namespace,
    secretName: secretRef.name,
    policy,
    otherSecrets: [...secrets].filter((other) => other !== secretRef.name),
  }));
}
