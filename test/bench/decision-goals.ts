import type { Verdict } from './goals.ts';

/** What a scaler made of one trace: requests and windows of 5 min over the objective in %, replica-hours, and how often the number of replicas changed. */
export interface Figures {
  readonly over: number;
  readonly windows: number;
  readonly hours: number;
  readonly changesAnHour: number;
}

/** Lookahead beside the HPA on one trace. */
export interface Pair {
  readonly trace: string;
  readonly delay: number;
  readonly hpa: Figures;
  readonly lookahead: Figures;
}

type Most = readonly [over: number, hours: number];

interface Goals {
  /** By start-up delay in seconds. */
  readonly ratio: Readonly<Record<number, Most>>;
  readonly traces: Readonly<Record<string, Readonly<Record<number, Most>>>>;
}

/** Recorded or generated load (GENOPS_TRACES): what a prototype reached, with a small tolerance; where load is short, that of the worst of five seeds. */
const recorded: Goals = {
  ratio: { 30: [0.23, 0.96], 90: [0.29, 1.08] },
  traces: {
    'azure-llm-code-2023': { 30: [1.85, 15.9], 90: [2.29, 17.9] },
    'mooncake-conversation': { 30: [0.51, 14.1], 90: [0.51, 14.9] },
    'nasa-http-jul95': { 30: [0.47, 1013], 90: [0.49, 1143] },
    'twitter-stream-2021': { 30: [4.41, 143], 90: [11.43, 154] },
    'servegen-m-large': { 30: [0.8, 1411], 90: [3.4, 1620] },
    'nyc-taxi-nov14': { 30: [0.45, 2891], 90: [0.45, 3023] },
    'tweets-aapl': { 30: [0.46, 605], 90: [0.66, 643] },
    'worldcup98-may': { 30: [0.45, 2256], 90: [0.46, 2395] },
    'azure-functions-sparse': { 30: [0.51, 90.9], 90: [0.57, 93.6] },
    'syn-step': { 30: [1.63, 16], 90: [3.56, 17.9] },
    'syn-square': { 30: [0.65, 41.3], 90: [3.62, 49.5] },
    'syn-flash': { 30: [6.81, 20.6], 90: [12.12, 22.7] },
  },
};

/** Load that the benchmark makes: what was measured, and a tenth. */
const made: Goals = {
  ratio: { 30: [0.18, 0.95], 90: [0.26, 1.05] },
  traces: {
    'made-step': { 30: [1.8, 17.2], 90: [3.8, 18.5] },
    'made-square': { 30: [0.63, 44.2], 90: [4, 51.9] },
    'made-flash': { 30: [6.9, 22], 90: [12.6, 24.3] },
    'made-days': { 30: [0.45, 604], 90: [0.45, 628] },
    'made-sparse': { 30: [0.47, 127], 90: [0.63, 129] },
  },
};

/** In percent: on no trace may Lookahead be more than that over the HPA. */
const overHpa = 0.02;
const mostChangesAnHour = 30;
/** In percent: a share is raised by as little before two are compared, so that near nothing no ratio is large. */
export const raised = 0.05;

export const geometric = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);

/** The goals of what was measured. Those over all traces only where all were. */
export function decisionGoals(pairs: readonly Pair[]): readonly Verdict[] {
  const delays = [...new Set(pairs.map(({ delay }) => delay))];
  return [
    ...pairs.flatMap(ofTrace),
    ...delays.flatMap((delay) =>
      [recorded, made].flatMap((goals) =>
        ofAll(
          goals,
          pairs.filter((pair) => pair.delay === delay),
          delay,
        ),
      ),
    ),
  ];
}

function ofTrace({ trace, delay, hpa, lookahead }: Pair): readonly Verdict[] {
  const most = (recorded.traces[trace] ?? made.traces[trace])?.[delay];
  const at = `${trace}, ${delay} s`;
  return [
    ...(most === undefined
      ? []
      : [atMost(`${at}: over %`, lookahead.over, most[0]), atMost(`${at}: replica-hours`, lookahead.hours, most[1])]),
    atMost(`${at}: over % beyond the HPA's`, lookahead.over - hpa.over, overHpa),
    atMost(`${at}: changes an hour`, lookahead.changesAnHour, mostChangesAnHour),
  ];
}

function ofAll({ ratio, traces }: Goals, pairs: readonly Pair[], delay: number): readonly Verdict[] {
  const most = ratio[delay];
  const own = pairs.filter(({ trace }) => trace in traces);
  if (most === undefined || own.length < Object.keys(traces).length) return [];
  const over = own.map(({ hpa, lookahead }) => (lookahead.over + raised) / (hpa.over + raised));
  const hours = own.map(({ hpa, lookahead }) => lookahead.hours / hpa.hours);
  return [
    atMost(`${own.length} traces, ${delay} s: over ÷ the HPA's`, geometric(over), most[0]),
    atMost(`${own.length} traces, ${delay} s: replica-hours ÷ the HPA's`, geometric(hours), most[1]),
  ];
}

const atMost = (goal: string, value: number, limit: number): Verdict => ({
  goal: `${goal} ≤ ${limit}`,
  is: value.toFixed(limit < 1 ? 3 : 2),
  holds: value <= limit,
});
