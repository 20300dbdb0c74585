import type { GenerationService } from '../api/generation-service.ts';
import { Problem } from '../api/problem.ts';
import { keyOf } from '../kube/object.ts';
import type { Observation } from '../levers/run.ts';
import type { Caches } from './caches.ts';
import { serverKey } from './state.ts';
import { claimsBefore } from './targets.ts';

/** Who has settings where. */
export interface Claims {
  readonly services: Pick<Caches['services'], 'get'>;
  /** By the index `server`. */
  readonly states: Pick<Caches['states'], 'by'>;
}

/** The observations, but a server on which an older service has its settings is that one's: to set it from two sides would be a war. */
export function withoutClaimed(
  observations: readonly Observation[],
  service: GenerationService,
  caches: Claims,
): readonly Observation[] {
  return observations.map((observation) => {
    const { lever, unit } = observation;
    const by = claimedBy(observation, service, caches);
    if (by === undefined) return observation;
    const problem = new Problem('Conflict', {
      saw: `the server of ${unit.name} tuned by the older GenerationService ${by}`,
      wanted: 'one service for each server',
      next: `remove it from ${by}, or remove ${unit.name} here`,
    });
    return { lever, unit, seen: { kind: 'problem', problem } };
  });
}

/** The older service, `namespace/name`, that has its settings on the server of this observation. */
export function claimedBy(
  { lever, unit, seen }: Observation,
  service: GenerationService,
  { services, states }: Claims,
): string | undefined {
  if (seen.kind === 'problem' || unit.mode === 'Off') return undefined;
  const owners = (lever.serverOf?.(seen.value) ?? []).flatMap((server) =>
    states.by('server', serverKey(lever.name, server)),
  );
  for (const { namespace, serviceName, service: uid } of owners) {
    const other = services.get(keyOf({ metadata: { namespace, name: serviceName } }));
    if (other?.metadata.uid === uid && claimsBefore(other, service)) return keyOf(other);
  }
  return undefined;
}
