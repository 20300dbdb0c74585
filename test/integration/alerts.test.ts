import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { prometheusProgram } from '../../hack/servers/prometheus.ts';

const run = promisify(execFile);
const rulesFile = resolve('config/monitoring/rules.yaml');
interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly labels: object }[] }[];
}
let rules: RuleFile['groups'][number]['rules'] = [];
let promtool = '';
beforeAll(async () => {
  const file = parse(await readFile(rulesFile, 'utf8')) as RuleFile;
  rules = file.groups.flatMap((group) => group.rules);
  promtool = await prometheusProgram('promtool');
}, 600_000);

interface Case {
  readonly name: string;
  readonly alert: string;
  /** Values a minute apart, as promtool writes them. */
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  /** Labels of the one alert that fires, besides its own; absent: none does. */
  readonly fires?: Readonly<Record<string, string>>;
}

const service = { namespace: 'ai', name: 'generation' };
const objective = { ...service, objective: 'WorkflowDuration' };
const operator = { namespace: 'genops-system' };
const series = (name: string, labels: object): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;
const burn = (rates: Readonly<Record<string, number>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(rates).map(([window, rate]) => [
      series('genops_error_budget_burn_rate', { ...objective, window, pod: 'a' }),
      `${rate}+0x70`,
    ]),
  );
const condition = (type: string, status: string, pod = 'a'): string =>
  series('genops_condition', { ...service, type, status, pod });
const met = (pod = 'a'): string => series('genops_objective_met', { ...objective, pod });
const leader = (pod: string): string => series('genops_leader', { ...operator, pod });
const reconciles = (result: string): string =>
  series('genops_reconcile_total', { ...operator, pod: 'a', controller: 'scaler', result });
const depth = (pod: string): string => series('genops_workqueue_depth', { ...operator, pod, controller: 'scaler' });
const drift = (lever: string): string => series('genops_drift_total', { ...operator, pod: 'a', lever });
const ofCache = { ...service, server: 'cache' };
const ofRedis = (metric: string): string => series(`genops_redis_${metric}`, { ...ofCache, pod: 'a' });
const age = series('genops_metric_age_seconds', { ...service, objective: 'CacheHitRatio' });
const always = '1+0x70';
const never = '0+0x70';

const cases: readonly Case[] = [
  {
    alert: 'GenopsErrorBudgetBurnFast',
    name: 'an hour and the last minutes at 14.4',
    series: burn({ '1h': 14.4, '5m': 14.4 }),
    at: '10m',
    fires: objective,
  },
  {
    alert: 'GenopsErrorBudgetBurnFast',
    name: 'six hours and the last half at 6',
    series: burn({ '6h': 6, '30m': 6, '1h': 8, '5m': 9 }),
    at: '10m',
    fires: objective,
  },
  {
    alert: 'GenopsErrorBudgetBurnFast',
    name: 'a bad hour, and the last five minutes are well',
    series: burn({ '1h': 20, '5m': 0, '6h': 4, '30m': 14 }),
    at: '10m',
  },
  {
    alert: 'GenopsErrorBudgetBurnFast',
    name: 'one bad minute is not yet a bad hour',
    series: burn({ '1h': 1.6, '5m': 20, '6h': 0.3, '30m': 3.3 }),
    at: '10m',
  },
  {
    alert: 'GenopsErrorBudgetBurnSlow',
    name: 'three days use up three days of budget',
    series: burn({ '3d': 1, '6h': 1.5 }),
    at: '16m',
    fires: objective,
  },
  {
    alert: 'GenopsErrorBudgetBurnSlow',
    name: 'within its budget',
    series: burn({ '3d': 0.99, '6h': 1.5 }),
    at: '16m',
  },
  {
    alert: 'GenopsErrorBudgetBurnSlow',
    name: 'bad days, and well since six hours',
    series: burn({ '3d': 3, '6h': 0 }),
    at: '16m',
  },
  {
    alert: 'GenopsObjectiveNotMet',
    name: 'two replicas say it, and it is one alert',
    series: {
      [met('a')]: never,
      [met('b')]: never,
      [condition('ObjectivesMet', 'False', 'a')]: always,
      [condition('ObjectivesMet', 'False', 'b')]: always,
    },
    at: '61m',
    fires: objective,
  },
  {
    alert: 'GenopsObjectiveNotMet',
    name: 'for less than an hour',
    series: { [met()]: '1+0x10 0+0x60', [condition('ObjectivesMet', 'False')]: '_x11 1+0x60' },
    at: '61m',
  },
  {
    alert: 'GenopsObjectiveNotMet',
    name: 'an informational one alone',
    series: { [met()]: never, [condition('ObjectivesMet', 'True')]: always },
    at: '61m',
  },
  {
    alert: 'GenopsMetricsUnavailable',
    name: 'a source that does not answer',
    series: { [condition('MetricsAvailable', 'False')]: always },
    at: '11m',
    fires: service,
  },
  {
    alert: 'GenopsMetricsUnavailable',
    name: 'a service that was never looked at',
    series: { [condition('MetricsAvailable', 'Unknown')]: always },
    at: '11m',
    fires: service,
  },
  {
    alert: 'GenopsMetricsUnavailable',
    name: 'a roll-out of five minutes',
    series: {
      [condition('MetricsAvailable', 'False')]: '1+0x5 stale',
      [condition('MetricsAvailable', 'True')]: '_x6 1+0x60',
    },
    at: '11m',
  },
  {
    alert: 'GenopsObjectiveFigureOld',
    name: 'a figure that grows old',
    series: { [age]: '0+60x70' },
    at: '11m',
    fires: { ...service, objective: 'CacheHitRatio' },
  },
  { alert: 'GenopsObjectiveFigureOld', name: 'a fresh figure', series: { [age]: '10+0x70' }, at: '11m' },
  {
    alert: 'GenopsServiceNotReady',
    name: 'Ready False for long',
    series: { [condition('Ready', 'False')]: always },
    at: '16m',
    fires: service,
  },
  {
    alert: 'GenopsServiceNotReady',
    name: 'Ready in between',
    series: { [condition('Ready', 'False')]: '1+0x8 stale 1+0x60', [condition('Ready', 'True')]: '_x9 1 stale' },
    at: '16m',
  },
  {
    alert: 'GenopsRedisWritesRefused',
    name: 'a write was refused',
    series: { [ofRedis('writes_refused_total')]: '0+0x5 3+0x60' },
    at: '8m',
    fires: ofCache,
  },
  {
    alert: 'GenopsRedisWritesRefused',
    name: 'one was, long ago, and its statistics were reset',
    series: { [ofRedis('writes_refused_total')]: '3+0x5 0+0x60' },
    at: '12m',
  },
  {
    alert: 'GenopsRedisEvictionBehind',
    name: 'above the limit a third of the time',
    series: { [ofRedis('eviction_exceeded_seconds_total')]: '0+20x70' },
    at: '21m',
    fires: ofCache,
  },
  {
    alert: 'GenopsRedisEvictionBehind',
    name: 'above the limit a tenth of the time',
    series: { [ofRedis('eviction_exceeded_seconds_total')]: '0+6x70' },
    at: '21m',
  },
  {
    alert: 'GenopsDriftRepeated',
    name: 'repaired every ten minutes',
    series: { [drift('redis')]: '0+0x9 1+0x9 2+0x9 3+0x9 4+0x9 5+0x30', [drift('postgres')]: never },
    at: '61m',
    fires: { lever: 'redis' },
  },
  {
    alert: 'GenopsDriftRepeated',
    name: 'repaired twice, one of them by an operator that is gone',
    series: { [drift('redis')]: '0+0x20 1+0x9 0+0x9 1+0x30' },
    at: '61m',
  },
  { alert: 'GenopsDown', name: 'there was one', series: { [leader('a')]: '1+0x3 stale' }, at: '16m', fires: {} },
  { alert: 'GenopsDown', name: 'a follower is there', series: { [leader('a')]: never }, at: '16m' },
  {
    alert: 'GenopsNoLeader',
    name: 'two followers',
    series: { [leader('a')]: never, [leader('b')]: never },
    at: '3m',
    fires: operator,
  },
  { alert: 'GenopsNoLeader', name: 'one leads', series: { [leader('a')]: never, [leader('b')]: always }, at: '3m' },
  {
    alert: 'GenopsNoLeader',
    name: 'a change of leader',
    series: { [leader('a')]: '1 0+0x70', [leader('b')]: '0+0x1 1+0x70' },
    at: '3m',
  },
  {
    alert: 'GenopsReconcileErrors',
    name: 'every fifth fails',
    series: { [reconciles('error')]: '0+1x70', [reconciles('success')]: '0+4x70' },
    at: '30m',
    fires: { ...operator, controller: 'scaler' },
  },
  {
    alert: 'GenopsReconcileErrors',
    name: 'every twentieth fails',
    series: { [reconciles('error')]: '0+1x70', [reconciles('success')]: '0+19x70' },
    at: '30m',
  },
  {
    alert: 'GenopsReconcileErrors',
    name: 'nothing is reconciled',
    series: { [reconciles('error')]: never, [reconciles('success')]: never },
    at: '30m',
  },
  {
    alert: 'GenopsQueueBacklog',
    name: 'a queue that only grows',
    series: { [depth('a')]: '20+5x70', [depth('b')]: never },
    at: '20m',
    fires: { ...operator, controller: 'scaler' },
  },
  {
    alert: 'GenopsQueueBacklog',
    name: 'a thousand keys that are worked off',
    series: { [depth('a')]: '0 1000 600 200 0+0x70' },
    at: '20m',
  },
];

/** ALERTS is asked rather than the alerts: promtool wants every word of their texts, and these may be put better. */
function testOf({ name, series: values, at, alert, fires }: Case): object {
  const firing = { alertname: alert, alertstate: 'firing' };
  const labels = series('ALERTS', { ...firing, ...rules.find((rule) => rule.alert === alert)?.labels, ...fires });
  return {
    name,
    interval: '1m',
    input_series: Object.entries(values).map(([of, text]) => ({ series: of, values: text })),
    promql_expr_test: [
      {
        expr: series('ALERTS', firing),
        eval_time: at,
        exp_samples: fires === undefined ? [] : [{ labels, value: 1 }],
      },
    ],
  };
}

async function inFolder(use: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'genops-alerts-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('alert rules', () => {
  test('are what Prometheus takes', async () => {
    expect((await run(promtool, ['check', 'rules', rulesFile])).stdout).toContain('SUCCESS');
  });

  test('each one is shown to fire, and not to', () => {
    const shown = (fires: boolean) =>
      [...new Set(cases.filter((one) => (one.fires !== undefined) === fires).map(({ alert }) => alert))].toSorted();
    const all = rules.map(({ alert }) => alert).toSorted();
    expect([shown(true), shown(false)]).toEqual([all, all]);
  });

  test.each(cases)('$alert: $name', async (one) => {
    await inFolder(async (folder) => {
      const file = join(folder, 'test.yaml');
      await writeFile(file, stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests: [testOf(one)] }));
      await run(promtool, ['test', 'rules', file]); // a test that fails is an exit code, with the difference in its output
    });
  });
});
