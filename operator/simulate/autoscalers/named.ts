import { seconds } from '../../api/duration.ts';
import { quantity } from '../../api/quantity.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { LookaheadDecision } from '../../decide/lookahead/decide.ts';
import type { LookaheadSettings } from '../../decide/lookahead/memory.ts';
import { toleranceOf } from '../../decide/plan-floor.ts';
import { scoreRules } from '../../decide/score.ts';
import type { Service } from '../service.ts';
import type { Autoscaler } from '../world.ts';
import { createHpa, type HpaSettings } from './hpa.ts';
import { createKpa } from './kpa.ts';
import { createLookahead } from './lookahead.ts';
import { overHpa } from './over-hpa.ts';
import { createScore } from './score.ts';

/** What can be compared. `lookahead+hpa` moves the floor of the HPA instead of the replicas. */
export const autoscalerNames = ['lookahead', 'score', 'hpa', 'kpa', 'lookahead+hpa', 'score+hpa'] as const;
export type AutoscalerName = (typeof autoscalerNames)[number];

export interface AutoscalerInput {
  readonly policy: Pick<EffectivePolicy, 'horizontal' | 'scaler' | 'collector'>;
  /** What is believed of the service: that of the simulation, or something else. */
  readonly service: Service;
  /** Lookahead finds out how many slots a replica has. */
  readonly learnsSlots?: boolean | undefined;
  /** Of Lookahead. */
  readonly onDecision?: ((at: number, decision: LookaheadDecision) => void) | undefined;
}

/** The autoscaler that the policy's scaler is, without an HPA. */
export const scalerOf = ({ scaler }: AutoscalerInput['policy']): AutoscalerName =>
  scaler.algorithm === 'Lookahead' ? 'lookahead' : 'score';

const makers: Readonly<Record<AutoscalerName, (input: AutoscalerInput) => Autoscaler>> = {
  lookahead: (input) =>
    createLookahead({ settings: lookaheadSettings(input), ...input.service, onDecision: input.onDecision }),
  score: ({ policy: { scaler }, service }) =>
    createScore({ ...bounds(service), rules: scoreRules(scaler), intervalSeconds: seconds(scaler.interval) }),
  hpa: (input) => createHpa(hpaSettings(input)),
  kpa: ({ service }) => createKpa(service),
  'lookahead+hpa': (input) => overHpa(makers.lookahead(input), hpaSettings(input)),
  'score+hpa': (input) => overHpa(makers.score(input), hpaSettings(input)),
};

export const autoscalerOf = (name: AutoscalerName, input: AutoscalerInput): Autoscaler => makers[name](input);

const bounds = ({ minReplicas, maxReplicas }: Service) => ({ minReplicas, maxReplicas });

/** Decides with each sample of the collector. */
function lookaheadSettings({
  policy: { scaler, collector },
  service,
  learnsSlots = false,
}: AutoscalerInput): LookaheadSettings {
  return {
    ...bounds(service),
    periodSeconds: seconds(collector.interval),
    slotsPerReplica: service.slots,
    learnsSlots,
    objectiveSeconds: service.objectiveSeconds,
    serviceCv: service.serviceCv,
    expectedServiceSeconds: service.serviceSeconds,
    confidence: scaler.lookahead.coverPercent / 100,
    horizonSeconds: seconds(scaler.lookahead.horizon),
  };
}

function hpaSettings({ policy: { horizontal }, service }: AutoscalerInput): HpaSettings {
  const utilization = (resource: 'cpu' | 'memory'): number | undefined =>
    horizontal.metrics.find((metric) => metric.resource?.name === resource)?.resource?.target.averageUtilization;
  const pods = horizontal.metrics.find((metric) => metric.pods?.metric.name === 'requests_per_second')?.pods;
  const averageValue = pods?.target.averageValue;
  return {
    ...bounds(service),
    cpuTarget: utilization('cpu'),
    memoryTarget: utilization('memory'),
    requestsTarget: averageValue === undefined ? undefined : quantity(averageValue),
    behavior: horizontal.behavior,
    tolerance: toleranceOf(horizontal),
  };
}
