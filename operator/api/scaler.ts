import { Type } from 'typebox';
import { measures } from './contract.ts';
import { isMeasurable } from './measure.ts';
import {
  cel,
  duration,
  listMap,
  neededAfterMerging,
  oneOf,
  orElse,
  property,
  ratio,
  struct,
  text,
  valueAt,
  type Rule,
} from './schema.ts';
import { name } from './names.ts';

/** A figure of the workload contract, or one of the service's own signals. */
export const metric = () =>
  text({
    maxLength: 72,
    pattern: '^(signal:)?[A-Za-z][A-Za-z0-9]*$',
    wanted: 'must be a built-in metric or signal:<name>',
    example: 'responseTimeP95',
    description: `What is compared: ${Object.keys(measures).join(', ')}, or signal:<name> of the service.`,
  });

export const comparison = () =>
  oneOf(['GreaterThan', 'LessThan'], { description: 'How the metric is compared with value.' });

/** A number in the unit of the metric: duration, quantity, ratio, percent or plain number. */
export const value = () =>
  Type.String({
    minLength: 1,
    maxLength: 20,
    description: 'What it is compared with, in its own unit: 1s, 1536Mi, "0.6" or "80".',
  });

/** Which units a value has depends on another field, so that the operator holds this rule, and not the API server. */
export const valueInUnit: Rule = {
  wanted: 'must compare a known metric with a value in its unit',
  example: 'metric: responseTimeP95, value: 1s',
  fields: ['metric', 'value'],
  holds: (self) => isMeasurable(valueAt(self, 'metric'), valueAt(self, 'value')),
};

const Signal = struct(
  {
    name: name({ description: 'Name of the signal; later layers change a signal by its name.' }),
    mode: orElse('On', oneOf(['On', 'Off'], { description: 'Off leaves the signal out.' })),
    metric: neededAfterMerging('cpuPercent', metric()),
    operator: neededAfterMerging('GreaterThan', comparison()),
    value: neededAfterMerging('"80"', value()),
    score: neededAfterMerging(
      '25',
      Type.Integer({ minimum: 0, maximum: 1000, description: 'Points that the signal gives when it holds.' }),
    ),
  },
  {
    description: 'One signal: points that are given while a metric is above or below a value.',
    rules: [valueInUnit],
  },
);

const direction = (defaults: { threshold: number; step: number; signals: readonly unknown[] }, description: string) =>
  orElse(
    {},
    struct(
      {
        threshold: orElse(
          defaults.threshold,
          Type.Integer({ minimum: 0, maximum: 1000, description: 'The sum of points has to be greater than this.' }),
        ),
        step: orElse(
          defaults.step,
          Type.Integer({ minimum: 1, maximum: 100, description: 'Replicas that one decision adds or removes.' }),
        ),
        signals: orElse(
          defaults.signals,
          listMap(Signal, { maxItems: 12, description: 'What gives points; merged by name.' }),
        ),
      },
      { description },
    ),
  );

/** The custom scaler (row J3): it raises the floor under the HPA ahead of it. */
export const Scaler = struct(
  {
    mode: orElse(
      'Enforce',
      oneOf(['Enforce', 'DryRun', 'Off'], {
        description:
          'Enforce moves the floor of the autoscaler (or the replicas where there is none); DryRun only says what it would do.',
      }),
    ),
    algorithm: orElse(
      'Score',
      oneOf(['Score', 'Lookahead'], {
        description: 'Score adds points of signals; Lookahead staffs for the load that history lets expect.',
      }),
    ),
    interval: orElse('15s', duration({ min: '5s', max: '10m', description: 'Time between two decisions.' })),
    cooldown: orElse('300s', duration({ max: '1h', description: 'Time after a change in which there is no other.' })),
    onMissingMetrics: orElse(
      'Hold',
      oneOf(['Hold', 'MaxOfCurrentAndFallback'], {
        description: 'What happens while a needed metric is missing: nothing, or no fewer replicas than fallback says.',
      }),
    ),
    fallback: Type.Optional(
      struct(
        {
          replicas: neededAfterMerging(
            '4',
            Type.Integer({ minimum: 1, maximum: 1000, description: 'Least replicas while metrics are missing.' }),
          ),
          after: orElse('3m', duration({ max: '1h', description: 'How long metrics have to be missing first.' })),
        },
        { description: 'Replicas while metrics are missing; only with onMissingMetrics: MaxOfCurrentAndFallback.' },
      ),
    ),
    scaleUp: direction(
      {
        threshold: 50,
        step: 2,
        signals: [
          { name: 'latency', metric: 'responseTimeAverage', operator: 'GreaterThan', value: '1s', score: 30 },
          { name: 'cpu', metric: 'cpuPercent', operator: 'GreaterThan', value: '80', score: 25 },
          { name: 'memory', metric: 'memoryPercent', operator: 'GreaterThan', value: '85', score: 25 },
          { name: 'queue', metric: 'queueLength', operator: 'GreaterThan', value: '50', score: 20 },
        ],
      },
      'When replicas are added.',
    ),
    scaleDown: direction(
      {
        threshold: 60,
        step: 1,
        signals: [
          { name: 'latency', metric: 'responseTimeAverage', operator: 'LessThan', value: '200ms', score: 20 },
          { name: 'cpu', metric: 'cpuPercent', operator: 'LessThan', value: '30', score: 25 },
          { name: 'memory', metric: 'memoryPercent', operator: 'LessThan', value: '40', score: 25 },
          { name: 'requests', metric: 'requestRatePerPod', operator: 'LessThan', value: '50', score: 30 },
        ],
      },
      'When replicas are removed.',
    ),
    blockScaleDownAbove: orElse(
      {},
      struct(
        {
          errorRatio: orElse(
            '0.05',
            ratio({ description: 'Share of failed requests above which nothing scales down.' }),
          ),
        },
        { description: 'What forbids scaling down whatever the points say.' },
      ),
    ),
    lookahead: orElse(
      {},
      struct(
        {
          horizon: orElse('5m', duration({ min: '30s', max: '1h', description: 'How far ahead is planned at most.' })),
          coverPercent: orElse(
            80,
            Type.Integer({
              minimum: 50,
              maximum: 99,
              description: 'Percent of the peaks that the forecast is to cover: 50 is cheaper, 95 safer.',
            }),
          ),
          serviceVariationPercent: orElse(
            60,
            Type.Integer({
              minimum: 1,
              maximum: 1000,
              description: 'Standard deviation of how long a request works, in percent of the mean.',
            }),
          ),
          startUp: Type.Optional(
            duration({
              min: '1s',
              max: '1h',
              description: 'From the creation of a Pod until it is Ready. Absent: as the newest Pods took.',
            }),
          ),
        },
        { description: 'Settings of algorithm: Lookahead.' },
      ),
    ),
  },
  {
    description:
      'The custom scaler, which raises the floor under the autoscaler before the autoscaler itself would act.',
    rules: [
      cel("!has(self.fallback) || !has(self.onMissingMetrics) || self.onMissingMetrics == 'MaxOfCurrentAndFallback'", {
        wanted: 'fallback needs onMissingMetrics: MaxOfCurrentAndFallback',
        example: 'onMissingMetrics: MaxOfCurrentAndFallback, fallback: {replicas: 4, after: 3m}',
        fields: ['fallback', 'onMissingMetrics'],
        holds: (self) =>
          property(self, 'fallback') === undefined ||
          [undefined, 'MaxOfCurrentAndFallback'].some((mode) => mode === property(self, 'onMissingMetrics')),
      }),
    ],
  },
);
