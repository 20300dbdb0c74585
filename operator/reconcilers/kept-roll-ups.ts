import type { GenerationService } from '../api/generation-service.ts';
import { openDeadline } from '../kube/deadline.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Standings } from '../metrics/standings.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { States } from './state.ts';

type Service = GenerationService & KubeObject;

interface KeepDeps {
  readonly standings: Standings;
  readonly states: Pick<States, 'write'>;
  readonly clock: { now(): number };
}

/** Writes the roll-ups of a service into its state where they are due: once an hour, and only where something was judged since. */
export async function keepRollUps(
  service: Service,
  { standings, states, clock }: KeepDeps,
  signal: AbortSignal,
  when?: 'atOnce',
): Promise<void> {
  const rollUps = standings.unsaved(service, clock.now(), when);
  if (rollUps === undefined) return;
  await states.write(service, (state) => ({ ...state, rollUps }), signal);
  standings.saved(service, clock.now());
}

/** The next leader is waiting, and the process may be killed: what is not written by then is lost. */
const patienceMs = 10_000;
const atATime = 16;

/** Of all services, when the reconcilers have ended and while we still lead. Never throws. */
export async function keepAllRollUps(
  services: Iterable<Service>,
  { logger, ...deps }: KeepDeps & { readonly logger: Logger },
): Promise<void> {
  using deadline = openDeadline(new AbortController().signal, patienceMs);
  const saveAt = (service: Service): number => deps.standings.saveAt(service) ?? Infinity;
  const waiting = [...services]
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => saveAt(a) - saveAt(b)) // where there is no time for all, as little as can be is lost
    .values();
  const lost: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const service of waiting)
      await keepRollUps(service, deps, deadline.signal, 'atOnce').catch((error: unknown) => lost.push(error));
  };
  await Promise.all(Array.from({ length: atATime }, work));
  const [error] = lost;
  if (lost.length > 0) logger.info('roll-ups of objectives not kept', { services: lost.length, error });
}
