import type { GenerationService } from '../api/generation-service.ts';
import { Problem } from '../api/problem.ts';
import { keyOf } from '../kube/object.ts';
import type { Observation } from '../levers/run.ts';
import type { Caches } from './caches.ts';
import { claimsBefore } from './targets.ts';

/** The observations, but a server on which an older service has its settings is that one's: to set it from two sides would be a war. */
export function withoutClaimed(
  observations: readonly Observation[],
  service: GenerationService,
  caches: Pick<Caches, 'services' | 'states'>,
): readonly Observation[] {
  return observations.map((observation) => {
    const { lever, unit, seen } = observation;
    const server = seen.kind === 'seen' && unit.mode !== 'Off' ? lever.serverOf?.(seen.value) : undefined;
    const by = server === undefined ? undefined : olderOwner(server, service, caches);
    if (by === undefined) return observation;
    const problem = new Problem('Conflict', {
      saw: `the server of ${unit.name} tuned by the older GenerationService ${by}`,
      wanted: 'one service for each server',
      next: `remove it from ${by}, or remove ${unit.name} here`,
    });
    return { lever, unit, seen: { kind: 'problem', problem } };
  });
}

function olderOwner(
  server: string,
  service: GenerationService,
  { services, states }: Pick<Caches, 'services' | 'states'>,
): string | undefined {
  for (const { namespace, serviceName, service: uid } of states.by('server', server)) {
    const other = services.get(keyOf({ metadata: { namespace, name: serviceName } }));
    if (other?.metadata.uid === uid && claimsBefore(other, service)) return keyOf(other);
  }
  return undefined;
}
