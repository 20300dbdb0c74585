import { writesPerService, type LineName } from './lines.ts';

export interface Verdict {
  readonly goal: string;
  /** What it is compared by, with its figures. */
  readonly is: string;
  readonly holds: boolean;
}

type Figure = (contestant: 'floor' | 'go' | 'genops', line: LineName, figure: string) => number;

/** Each goal for one figure of genops: at most `limit` of another figure. */
interface RatioGoal {
  readonly line: LineName;
  readonly figure: string;
  readonly limit: number;
  readonly of: 'go' | 'floor';
  readonly ofLine?: LineName;
}

const ratioGoals: readonly RatioGoal[] = [
  { line: 'converge', figure: 'seconds', limit: 1.15, of: 'floor', ofLine: 'floor' },
  { line: 'converge', figure: 'seconds', limit: 1, of: 'go' },
  { line: 'converge', figure: 'operatorCpuS', limit: 1.25, of: 'go' },
  { line: 'converge', figure: 'apiServerCpuS', limit: 1, of: 'go' },
  { line: 'update', figure: 'seconds', limit: 1.15, of: 'floor', ofLine: 'floor' },
  { line: 'update', figure: 'seconds', limit: 1, of: 'go' },
  { line: 'trickle', figure: 'p50Ms', limit: 0.75, of: 'go' },
  { line: 'trickle', figure: 'p99Ms', limit: 0.5, of: 'go' },
  { line: 'churn', figure: 'operatorCpuS', limit: 1, of: 'go' },
];

/** How often the HPA controller looks at each. */
const autoscalerPeriodSeconds = 15;

const shown = (value: number): string => value.toFixed(value >= 10 ? 0 : 2);
const atMost = (goal: string, value: number, limit: number): Verdict => ({
  goal: `${goal} ≤ ${limit}`,
  is: shown(value),
  holds: value <= limit,
});
const atLeast = (goal: string, value: number, limit: number): Verdict => ({
  goal: `${goal} ≥ ${limit}`,
  is: shown(value),
  holds: value >= limit,
});

/** Of the line `metrics`. Roll-ups: their buckets take 2.5 and 18 kB of a service, what is around them may take as much again. */
const metricsGoals = (own: (line: LineName, figure: string) => number): readonly Verdict[] => [
  atLeast('text: times as fast as textparse with labels', own('text', 'timesTextparse'), 2),
  atMost('scrape: % of a core, 1000 Pods every 10 s', own('scrape', 'corePercentEach10S'), 6),
  atLeast('scrape: scrapes/s, 1000 Pods every second', own('scrape', 'perSEach1S'), 950),
  atMost('scrape: loop delay p99 in ms, 1000 Pods every second', own('scrape', 'loopP99MsEach1S'), 40),
  atMost('scrape: failed', own('scrape', 'failed'), 0),
  atMost('windows: MB of 1000 services', own('windows', 'megabytes'), 150),
  atMost('roll-ups: MB of 1000 services, attainment over a day', own('roll-ups', 'dayMegabytes'), 5),
  atMost('roll-ups: MB of 1000 services, attainment over 30 days', own('roll-ups', 'monthMegabytes'), 36),
];

/** The goals of which both sides were measured: those against KEDA and with Pods never are. */
export function goals(figure: Figure, count: number): readonly Verdict[] {
  const own = (line: LineName, name: string): number => figure('genops', line, name);
  const syncs = own('hpa', 'syncsPerSecond') / (count / autoscalerPeriodSeconds);
  const written = own('converge', 'writes') + own('settle', 'writes');
  const all = [
    ...ratioGoals.map(({ line, figure: name, limit, of, ofLine = line }): Verdict => {
      const ratio = own(line, name) / figure(of, ofLine, name);
      return { goal: `${line}: ${name} ≤ ${limit} × ${of}`, is: `${ratio.toFixed(2)} ×`, holds: ratio <= limit };
    }),
    {
      goal: `writes for one new service = ${writesPerService}`,
      is: (written / count).toFixed(3),
      holds: written === writesPerService * count,
    },
    atMost('settle: writes', own('settle', 'writes'), 0),
    atMost('idle: writes', own('idle', 'writes'), 0),
    atMost('idle: requests/s, Lease included', own('idle', 'requestsPerSecond'), 0.2),
    atMost('idle: CPU, % of a core', own('idle', 'cpuPercent'), 0.3),
    atMost('churn: requests', own('churn', 'requests'), 0),
    atMost('serve: p99 in ms at 100/s during converge', own('serve', 'p99Ms'), 10),
    atMost('restart: writes', own('restart', 'writes'), 0),
    atMost('restart: requests besides discovery and Lease', own('restart', 'requests'), 10),
    atMost('servers-idle: commands of a Redis a minute', own('servers-idle', 'redisCommands'), 50),
    atMost('servers-idle: statements of a PostgreSQL a minute', own('servers-idle', 'postgresStatements'), 40),
    atMost('servers-tuning: commands of a Redis a minute', own('servers-tuning', 'redisCommands'), 300),
    atMost('servers-tuning: statements of a PostgreSQL a minute', own('servers-tuning', 'postgresStatements'), 250),
    atMost(
      'servers-lowering: commands of a Redis and its replica a minute',
      own('servers-lowering', 'redisCommands'),
      10_000,
    ),
    atMost('servers-indexing: statements of a PostgreSQL a minute', own('servers-indexing', 'postgresStatements'), 350),
    atMost('servers-owned: statements of a PostgreSQL a minute', own('servers-owned', 'postgresStatements'), 60),
    { goal: 'hpa: syncs/s ≥ 0.95 × those that are due', is: `${syncs.toFixed(2)} ×`, holds: syncs >= 0.95 },
    atMost('restart: time to ready ÷ converge', own('restart', 'seconds') / own('converge', 'seconds'), 0.5),
    ...metricsGoals(own),
  ];
  return all.filter(({ is }) => !is.startsWith('NaN')); // a line that was left out
}
