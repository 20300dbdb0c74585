import { Type } from 'typebox';
import { name } from './names.ts';
import { comparison, metric, value, valueInUnit } from './scaler.ts';
import { cel, duration, listMap, neededAfterMerging, oneOf, orElse, ordered, quantity, struct } from './schema.ts';

export const optimizerActions = [
  'CollectGarbage',
  'ReduceWorkers',
  'ClearExpiredCache',
  'WarmPopularCache',
  'EvictWorstPod',
  'RaiseMemoryLimit',
] as const;
export type OptimizerAction = (typeof optimizerActions)[number];
/** What becomes of an action. Failed: no Pod took it. */
export const actionOutcomes = ['Improved', 'NoEffect', 'Worse', 'Inconclusive', 'Failed'] as const;
export type ActionOutcome = (typeof actionOutcomes)[number];
const bounded = ['EvictWorstPod', 'RaiseMemoryLimit'];

interface PartOfRule {
  readonly action?: string;
  readonly bounds?: unknown;
}

const OptimizerRule = struct(
  {
    name: name({ description: 'Name of the rule; later layers change a rule by its name.' }),
    mode: orElse(
      'Enforce',
      oneOf(['Enforce', 'DryRun', 'Off'], {
        description: 'DryRun only says what the rule would do; Off leaves it out.',
      }),
    ),
    when: neededAfterMerging(
      '{metric: memory, operator: GreaterThan, value: 1536Mi}',
      struct(
        {
          metric: neededAfterMerging('cpuPercent', metric()),
          operator: neededAfterMerging('GreaterThan', comparison()),
          value: neededAfterMerging('"80"', value()),
          for: orElse('0s', duration({ max: '1h', description: 'How long the comparison has to hold first.' })),
        },
        { description: 'When the rule acts.', rules: [valueInUnit] },
      ),
    ),
    action: neededAfterMerging(
      'CollectGarbage',
      oneOf([...optimizerActions], {
        description:
          'What is done. ReduceWorkers acts only at maxReplicas or while scaling is held. EvictWorstPod and RaiseMemoryLimit need bounds.',
      }),
    ),
    cooldown: orElse(
      '300s',
      duration({
        max: '24h',
        description: 'Time after an action before the rule acts again; it doubles while the action does not help.',
      }),
    ),
    bounds: Type.Optional(
      struct(
        {
          step: neededAfterMerging(
            '256Mi',
            quantity({
              description: 'How much one action changes: bytes for RaiseMemoryLimit, pods for EvictWorstPod.',
            }),
          ),
          max: neededAfterMerging(
            '4Gi',
            quantity({
              description: 'How far it may go: bytes for RaiseMemoryLimit, pods per hour for EvictWorstPod.',
            }),
          ),
        },
        {
          description: 'Limits of EvictWorstPod and RaiseMemoryLimit.',
          rules: [ordered('step', 'max', { as: 'quantity', example: 'step: 256Mi, max: 4Gi' })],
        },
      ),
    ),
  },
  {
    description:
      'One rule: an action that is taken while a metric is above or below a value, and checked for its effect.',
    rules: [
      cel(
        `!has(self.action) || (self.action in [${bounded.map((action) => `'${action}'`).join(', ')}]) == has(self.bounds)`,
        {
          wanted: 'bounds must be set for EvictWorstPod and RaiseMemoryLimit alone',
          example: 'action: RaiseMemoryLimit, bounds: {step: 256Mi, max: 4Gi}',
          fields: ['action', 'bounds'],
          holds: (self) => {
            const { action, bounds } = self as PartOfRule;
            return action === undefined || bounded.includes(action) === (bounds !== undefined);
          },
        },
      ),
    ],
  },
);

/** Rules that try to help, check that they did, and back off when not (rows I1 to I4). */
export const Optimizer = struct(
  {
    mode: orElse('Enforce', oneOf(['Enforce', 'DryRun', 'Off'], { description: 'Ceiling of every rule’s own mode.' })),
    interval: orElse('60s', duration({ min: '10s', max: '1h', description: 'Time between two looks at the rules.' })),
    baseline: orElse(
      '120s',
      duration({
        min: '3s',
        max: '1h',
        description:
          'Window before an action, and the one after it has settled, that are compared. At least three times collector.interval.',
      }),
    ),
    settle: Type.Optional(
      duration({
        max: '1h',
        description:
          'Time that an action gets to show its effect, from when the workload has acknowledged it. By default what each needs: 30s CollectGarbage; 60s ClearExpiredCache, RaiseMemoryLimit, EvictWorstPod; 90s ReduceWorkers; 120s WarmPopularCache.',
      }),
    ),
    maxActionsPerHour: orElse(
      6,
      Type.Integer({ minimum: 0, maximum: 60, description: 'Most actions per service and hour.' }),
    ),
    maxBackoff: orElse(
      '6h',
      duration({
        min: '1m',
        max: '168h',
        description: 'Longest time between two actions of a rule that does not help.',
      }),
    ),
    rules: orElse(
      [
        {
          name: 'gc-on-memory',
          when: { metric: 'memory', operator: 'GreaterThan', value: '1536Mi' },
          action: 'CollectGarbage',
        },
        {
          name: 'shed-workers',
          when: { metric: 'cpuPercent', operator: 'GreaterThan', value: '80' },
          action: 'ReduceWorkers',
        },
        {
          name: 'clear-expired',
          when: { metric: 'responseTimeP95', operator: 'GreaterThan', value: '2s' },
          action: 'ClearExpiredCache',
        },
        {
          name: 'warm-cache',
          when: { metric: 'cacheHitRatio', operator: 'LessThan', value: '0.6' },
          action: 'WarmPopularCache',
          cooldown: '600s',
        },
      ],
      listMap(OptimizerRule, { maxItems: 32, description: 'The rules; merged by name, switched off by mode: Off.' }),
    ),
  },
  { description: 'Rules that act while something is wrong, check whether it helped, and back off when it did not.' },
);
