import { goals, type Verdict } from './goals.ts';
import type { LineName, Measured } from './lines.ts';
import { median } from './statistics.ts';

export interface Result extends Measured {
  readonly contestant: string;
}

export interface About {
  readonly date: string;
  readonly machine: string;
  readonly count: number;
  readonly runs: number;
}

/** Above this the figures are another program's too. */
const foreignLimit = 0.3;

/** Figures of a line, in the order in which they are printed. */
const columns: Readonly<Record<LineName, readonly string[]>> = {
  floor: ['seconds', 'appliesPerSecond', 'p50Ms', 'p99Ms', 'apiServerCpuS'],
  converge: ['seconds', 'operatorCpuS', 'apiServerCpuS', 'peakMegabytes', 'requests', 'writes'],
  trickle: ['p50Ms', 'p99Ms', 'writes'],
  settle: ['writes', 'requests', 'cpuPercent'],
  idle: ['cpuPercent', 'requestsPerSecond', 'requests', 'writes'],
  churn: ['operatorCpuS', 'requests', 'writes'],
  update: ['seconds', 'p50Ms', 'p99Ms', 'operatorCpuS', 'apiServerCpuS', 'writes'],
  restart: ['seconds', 'operatorCpuS', 'requests', 'writes'],
  serve: ['p50Ms', 'p99Ms', 'asked', 'refused', 'seconds', 'operatorCpuS'],
  'servers-idle': ['redisCommands', 'redisMs', 'postgresStatements', 'postgresMs'],
  'servers-tuning': ['redisCommands', 'redisMs', 'postgresStatements', 'postgresMs'],
  'servers-lowering': ['redisCommands', 'redisMs'],
  'servers-indexing': ['postgresStatements', 'postgresMs'],
  'servers-owned': ['postgresStatements', 'postgresMs', 'requests'],
  hpa: ['syncsPerSecond', 'syncMeanMs', 'requestsPerSync', 'failedSyncs', 'operatorCpuS', 'apiServerCpuS', 'requests'],
  text: ['megabytesPerS', 'fewFamiliesMegabytesPerS', 'textparseMegabytesPerS', 'timesTextparse'],
  scrape: ['flatOutPerS', 'cpuMsEach', 'corePercentEach10S', 'perSEach1S', 'loopP99MsEach1S', 'failed'],
  windows: ['megabytes', 'rowUs', 'figuresUs'],
  'roll-ups': ['dayMegabytes', 'monthMegabytes'],
};

const valuesOf = (results: readonly Result[], contestant: string, line: LineName, figure: string): readonly number[] =>
  results
    .filter((result) => result.contestant === contestant && result.line === line)
    .flatMap(({ figures }) => figures[figure] ?? []);

/** The goals of what was measured, by the medians. */
export const verdictsOn = (results: readonly Result[], count: number): readonly Verdict[] =>
  goals((contestant, line, figure) => median(valuesOf(results, contestant, line, figure)), count);

/** Markdown: a table of medians with lowest and highest, what was asked of the API server, and the goals. */
export function report(results: readonly Result[], { date, machine, count, runs }: About): string {
  const contestants = [...new Set(results.map(({ contestant }) => contestant))];
  const lines = (Object.keys(columns) as readonly LineName[]).filter((line) =>
    results.some((one) => one.line === line),
  );
  const rows = lines.flatMap((line) =>
    columns[line].map((figure) => {
      const of = (contestant: string): readonly number[] => valuesOf(results, contestant, line, figure);
      const ratio = median(of('genops')) / median(of('go'));
      return `| ${line} | ${figure} | ${contestants.map((contestant) => spread(of(contestant))).join(' | ')} | ${Number.isFinite(ratio) ? ratio.toFixed(2) : '–'} |`;
    }),
  );
  const foreign = results.map(({ figures }) => figures['foreignCores'] ?? 0);
  const disturbed = foreign.filter((cores) => cores > foreignLimit).length;
  return [
    `${count} services, ${runs} run${runs === 1 ? '' : 's'}, ${date.slice(0, 16)}Z, ${machine}. Median (lowest–highest).`,
    '',
    `| line | figure | ${contestants.join(' | ')} | genops ÷ go |`,
    `|---|---|${contestants.map(() => '---|').join('')}---|`,
    ...rows,
    '',
    `Foreign programs took ${median(foreign).toFixed(2)} cores (median of all windows, up to ${Math.max(...foreign).toFixed(2)})${disturbed === 0 ? '.' : `; above ${foreignLimit} in ${disturbed} of ${foreign.length} windows: repeat this on a quiet machine.`}`,
    '',
    '| goal | is | |',
    '|---|---|---|',
    ...verdictsOn(results, count).map(({ goal, is, holds }: Verdict) => `| ${goal} | ${is} | ${holds ? '✓' : '✗'} |`),
    '',
    ...lastRequests(results),
    '',
  ].join('\n');
}

/** What was asked of the API server, in the last run. */
function lastRequests(results: readonly Result[]): readonly string[] {
  const last = new Map(results.map((result) => [`${result.contestant} ${result.line}`, result.requests] as const));
  return [...last]
    .filter(([, requests]) => Object.keys(requests).length > 0)
    .map(
      ([name, requests]) =>
        `- ${name}: ${Object.entries(requests)
          .map(([kind, times]) => `${times} ${kind}`)
          .join(', ')}`,
    );
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const [middle, lowest, highest] = [median(values), Math.min(...values), Math.max(...values)].map(short);
  return lowest === highest ? `${middle}` : `${middle} (${lowest}–${highest})`;
}

/** Three digits that count. */
function short(value: number): string {
  if (Number.isInteger(value) || value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}
