import type { ObjectiveSample } from '../telemetry/objective-gauges.ts';
import type { Standings } from './standings.ts';

/** Every objective of every service that was looked at, as the gauges want it. */
export function* objectiveSamples(standings: Pick<Standings, 'all'>, now: number): Iterable<ObjectiveSample> {
  for (const { namespace, name, looked, ...standing } of standings.all())
    for (const { name: objective, goal, observation } of looked)
      yield {
        namespace,
        name,
        objective,
        value: observation?.value,
        target: goal,
        ageSeconds: observation === undefined ? undefined : (now - observation.observedAt) / 1_000,
        attainment: () => standing.attainment(objective, now),
        burnRates: () => standing.burnRates(objective, now),
      };
}
