export interface Query {
  readonly expr: string;
  readonly legend?: string;
}
export interface PanelSpec {
  readonly title: string;
  readonly says: string;
  readonly type: 'stat' | 'timeseries' | 'table' | 'bargauge' | 'state-timeline';
  /** Of 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
  readonly unit?: string;
  readonly thresholds?: readonly { readonly from: number; readonly color: string }[];
}
interface Row {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}
const one = '{namespace="$namespace", name="$service"}';
const of = (...matchers: readonly string[]): string =>
  `{${['namespace="$namespace"', 'name="$service"', ...matchers].join(', ')}}`;
/** Every replica serves what stands in the cache: one of them is enough. */
const byService = (how: 'max' | 'min', metric: string, ...labels: readonly string[]): string =>
  `${how} by (${['namespace', 'name', ...labels].join(', ')}) (${metric})`;
export const good = { from: 0, color: 'green' };
const noneIsGood = [good, { from: 1, color: 'red' }];
const countOf = (vector: string): string => `count(${vector}) or vector(0)`;

const fleet: Row = {
  title: 'All services',
  panels: [
    {
      title: 'Services',
      says: 'GenerationServices that the operator looks after.',
      type: 'stat',
      width: 6,
      queries: [{ expr: countOf(byService('max', 'genops_condition{type="Ready"}')) }],
    },
    {
      title: 'Not Ready',
      says: 'Services whose declared settings are not in force.',
      type: 'stat',
      width: 6,
      thresholds: noneIsGood,
      queries: [{ expr: countOf(byService('max', 'genops_condition{type="Ready", status="False"}')) }],
    },
    {
      title: 'Objectives not met',
      says: 'Of all services, informational ones included. Unknown ones are not counted.',
      type: 'stat',
      width: 6,
      thresholds: noneIsGood,
      queries: [{ expr: countOf(`${byService('min', 'genops_objective_met', 'objective')} == 0`) }],
    },
    {
      title: 'Without fresh figures',
      says: 'Services whose condition MetricsAvailable is not True: no floor is moved by load.',
      type: 'stat',
      width: 6,
      thresholds: noneIsGood,
      queries: [{ expr: countOf(byService('max', 'genops_condition{type="MetricsAvailable", status!="True"}')) }],
    },
    {
      title: 'Every service',
      says: 'Ready and objectives: 1 is well. A value that is missing is unknown.',
      type: 'table',
      width: 12,
      queries: [
        { expr: byService('max', 'genops_condition{type="Ready", status="True"}'), legend: 'Ready' },
        { expr: byService('min', 'genops_objective_met'), legend: 'All objectives met' },
        { expr: byService('max', 'genops_performance_score'), legend: 'Score' },
        {
          expr: `sum by (namespace, name) (${byService('max', 'genops_replicas_floor', 'component')})`,
          legend: 'Floor',
        },
      ],
    },
    {
      title: 'Error budgets that burn fastest, over an hour',
      says: '1 uses up just the budget (1 % of the time), 14.4 alerts, 100 is never met.',
      type: 'timeseries',
      width: 12,
      queries: [
        {
          expr: `topk(10, ${byService('max', 'genops_error_budget_burn_rate{window="1h"}', 'objective')})`,
          legend: '{{namespace}}/{{name}} {{objective}}',
        },
      ],
    },
  ],
};

const rate = (metric: string, by: string): string => `sum by (${by}) (rate(${metric}[$__rate_interval]))`;
const ofEach = (metric: string): string => `max by (server) (${metric}${one})`;
const rateOfEach = (metric: string): string => rate(`${metric}${one}`, 'server');

const valueAndTarget = (title: string, objectives: string, unit: string): PanelSpec => ({
  title,
  says: 'What the objective is judged by, and its target dashed. A gap is unknown.',
  type: 'timeseries',
  width: 8,
  unit,
  queries: [
    { expr: `max by (objective) (genops_objective_value${of(`objective=~"${objectives}"`)})`, legend: '{{objective}}' },
    {
      expr: `max by (objective) (genops_objective_target${of(`objective=~"${objectives}"`)})`,
      legend: '{{objective}} target',
    },
  ],
});

const single: Row = {
  title: '$namespace/$service',
  panels: [
    {
      title: 'Conditions',
      says: 'The status of each condition over time. Its reason and message: kubectl describe gensvc.',
      type: 'state-timeline',
      width: 16,
      queries: [
        {
          // 1 True, 0 False, 2 Unknown: one series for each condition
          expr: `max by (type) (genops_condition${of('status="True"')}) or max by (type) (genops_condition${of('status="False"')}) * 0 or max by (type) (genops_condition${of('status="Unknown"')}) * 2`,
          legend: '{{type}}',
        },
      ],
    },
    {
      title: 'Attainment',
      says: 'Share of the judged time of the attainment window in which each objective kept its target. The budget is 1 %.',
      type: 'bargauge',
      width: 8,
      unit: 'percentunit',
      thresholds: [
        { from: 0, color: 'red' },
        { from: 0.99, color: 'green' },
      ],
      queries: [{ expr: `max by (objective) (genops_objective_attainment_ratio${one})`, legend: '{{objective}}' }],
    },
    valueAndTarget('Times', 'WorkflowDuration|CachedResponseTime', 's'),
    valueAndTarget('Shares', 'CacheHitRatio|SuccessRatio', 'percentunit'),
    valueAndTarget('Memory', 'Memory', 'bytes'),
    valueAndTarget('Workflows at once', 'ConcurrentWorkflows', 'short'),
    {
      title: 'Floor',
      says: 'The floor under the autoscaler of each component.',
      type: 'timeseries',
      width: 8,
      queries: [{ expr: `max by (component) (genops_replicas_floor${one})`, legend: '{{component}}' }],
    },
    {
      title: 'Score',
      says: 'Points of the rating.',
      type: 'timeseries',
      width: 8,
      queries: [{ expr: `max(genops_performance_score${one})`, legend: 'score' }],
    },
    {
      title: 'Error budget burn',
      says: 'By window; the shortest leads. Alerts: 1h and 5m at 14.4, 6h and 30m at 6, 3d and 6h at 1.',
      type: 'timeseries',
      width: 12,
      queries: [
        {
          expr: `max by (objective, window) (genops_error_budget_burn_rate${one})`,
          legend: '{{objective}} {{window}}',
        },
      ],
    },
    {
      title: 'Age of the figures',
      says: 'How old the figure is that each objective is judged by.',
      type: 'timeseries',
      width: 12,
      unit: 's',
      queries: [{ expr: `max by (objective) (genops_metric_age_seconds${one})`, legend: '{{objective}}' }],
    },
    {
      title: 'PostgreSQL: connections',
      says: 'Sessions of clients on each server, and how many there may be, dashed.',
      type: 'timeseries',
      width: 6,
      queries: [
        { expr: `max by (server) (genops_postgres_connections${one})`, legend: '{{server}}' },
        { expr: `max by (server) (genops_postgres_connections_limit${one})`, legend: '{{server}} limit' },
      ],
    },
    {
      title: 'PostgreSQL: blocks found in shared_buffers',
      says: 'Of all that were asked for.',
      type: 'timeseries',
      width: 6,
      unit: 'percentunit',
      queries: [
        {
          expr: `${rateOfEach('genops_postgres_blocks_hit_total')} / (${rateOfEach('genops_postgres_blocks_hit_total')} + ${rateOfEach('genops_postgres_blocks_read_total')})`,
          legend: '{{server}}',
        },
      ],
    },
    {
      title: 'PostgreSQL: transactions and deadlocks',
      says: 'A second, all databases together.',
      type: 'timeseries',
      width: 6,
      queries: [
        { expr: rateOfEach('genops_postgres_transactions_total'), legend: '{{server}}' },
        { expr: rateOfEach('genops_postgres_deadlocks_total'), legend: '{{server}} deadlocks' },
      ],
    },
    {
      title: 'PostgreSQL: temporary files',
      says: 'Bytes written a second: sorts and hashes that work_mem has no room for.',
      type: 'timeseries',
      width: 6,
      unit: 'Bps',
      queries: [{ expr: rateOfEach('genops_postgres_temp_bytes_total'), legend: '{{server}}' }],
    },
    {
      title: 'Redis: memory',
      says: 'What counts against the limit, what it takes of the machine, the largest key that was found, and the limit; 0: none.',
      type: 'timeseries',
      width: 6,
      unit: 'bytes',
      queries: [
        { expr: ofEach('genops_redis_memory_used_bytes'), legend: '{{server}} in use' },
        { expr: ofEach('genops_redis_memory_resident_bytes'), legend: '{{server}} of the machine' },
        { expr: ofEach('genops_redis_largest_key_bytes'), legend: '{{server}} largest key' },
        { expr: ofEach('genops_redis_memory_max_bytes'), legend: '{{server}} limit' },
      ],
    },
    {
      title: 'Redis: thrown out, expired, refused',
      says: 'Keys, writes and clients a second.',
      type: 'timeseries',
      width: 6,
      queries: [
        { expr: rateOfEach('genops_redis_evicted_keys_total'), legend: '{{server}} thrown out' },
        { expr: rateOfEach('genops_redis_expired_keys_total'), legend: '{{server}} expired' },
        { expr: rateOfEach('genops_redis_writes_refused_total'), legend: '{{server}} writes refused' },
        { expr: rateOfEach('genops_redis_rejected_connections_total'), legend: '{{server}} clients turned away' },
      ],
    },
    {
      title: 'Redis: commands and look-ups',
      says: 'A second, and as the server itself counts them at the moment.',
      type: 'timeseries',
      width: 6,
      queries: [
        { expr: rateOfEach('genops_redis_commands_total'), legend: '{{server}} commands' },
        { expr: ofEach('genops_redis_commands_per_second'), legend: '{{server}} commands now' },
        { expr: rateOfEach('genops_redis_keyspace_hits_total'), legend: '{{server}} hits' },
        { expr: rateOfEach('genops_redis_keyspace_misses_total'), legend: '{{server}} misses' },
      ],
    },
    {
      title: 'Redis: clients and keys',
      says: 'Connections of clients, and keys of all databases.',
      type: 'timeseries',
      width: 6,
      queries: [
        { expr: ofEach('genops_redis_clients'), legend: '{{server}} clients' },
        { expr: ofEach('genops_redis_keys'), legend: '{{server}} keys' },
      ],
    },
    {
      title: 'Redis: time above the limit, fragmentation, search',
      says: 'Share of the time above the limit; memory of the machine for each byte in use, from 100 MB on; share of the keys that was searched for large ones.',
      type: 'timeseries',
      width: 6,
      queries: [
        { expr: rateOfEach('genops_redis_eviction_exceeded_seconds_total'), legend: '{{server}} above the limit' },
        { expr: ofEach('genops_redis_memory_fragmentation_ratio'), legend: '{{server}} fragmentation' },
        { expr: ofEach('genops_redis_key_search_coverage_ratio'), legend: '{{server}} searched' },
      ],
    },
    {
      title: 'Redis: nodes',
      says: 'By whether they answered at the last visit.',
      type: 'timeseries',
      width: 6,
      queries: [{ expr: `max by (server, state) (genops_redis_nodes${one})`, legend: '{{server}} {{state}}' }],
    },
  ],
};

const p99 = (metric: string): string => `histogram_quantile(0.99, ${rate(`${metric}_bucket`, 'controller, le')})`;
const lines = (title: string, says: string, queries: readonly Query[], unit = 'short'): PanelSpec => ({
  title,
  says,
  type: 'timeseries',
  width: 6,
  unit,
  queries,
});

const operator: Row = {
  title: 'The operator itself',
  panels: [
    lines('Leader', '1 is the one that acts.', [{ expr: 'max by (pod, instance) (genops_leader)', legend: '{{pod}}' }]),
    lines('Reconciles a second', 'By loop; errors apart.', [
      { expr: rate('genops_reconcile_total', 'controller, result'), legend: '{{controller}} {{result}}' },
    ]),
    lines(
      'Reconcile p99',
      'How long one took.',
      [{ expr: p99('genops_reconcile_duration_seconds'), legend: '{{controller}}' }],
      's',
    ),
    lines('Queue', 'Keys that wait for a worker.', [
      { expr: 'max by (controller) (genops_workqueue_depth)', legend: '{{controller}}' },
    ]),
    lines(
      'Wait in the queue p99',
      'Counted from when a key was due.',
      [{ expr: p99('genops_workqueue_queue_duration_seconds'), legend: '{{controller}}' }],
      's',
    ),
    lines('Scaling decisions', 'A second, by action.', [
      { expr: rate('genops_scaling_decisions_total', 'action'), legend: '{{action}}' },
    ]),
    lines('Actions of the optimizer', 'In an hour, by what became of them.', [
      {
        expr: 'sum by (action, outcome) (increase(genops_optimizer_actions_total[1h])) > 0',
        legend: '{{action}} {{outcome}}',
      },
    ]),
    lines('Changes by levers', 'In an hour, by result.', [
      {
        expr: 'sum by (lever, result) (increase(genops_lever_changes_total[1h])) > 0',
        legend: '{{lever}} {{result}}',
      },
    ]),
    lines('Drift', 'Settings put back in an hour.', [
      { expr: 'sum by (lever) (increase(genops_drift_total[1h])) > 0', legend: '{{lever}}' },
    ]),
    lines('Failed reads of sources', 'A second, by type of source.', [
      { expr: rate('genops_metric_source_errors_total', 'source'), legend: '{{source}}' },
    ]),
    lines('Watches', 'That began and that failed, a second.', [
      { expr: rate('genops_watch_starts_total', 'what'), legend: '{{what}}' },
      { expr: rate('genops_watch_failures_total', 'why'), legend: 'failed: {{why}}' },
    ]),
    lines(
      'Memory',
      'Resident.',
      [{ expr: 'process_resident_memory_bytes and on (instance) genops_leader', legend: '{{pod}}' }],
      'bytes',
    ),
    lines(
      'CPU',
      'Cores.',
      [
        {
          expr: 'rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) genops_leader',
          legend: '{{pod}}',
        },
      ],
      'short',
    ),
  ],
};

/** What the dashboard shows, from all services to the operator itself. */
export const rows: readonly Row[] = [fleet, single, operator];
