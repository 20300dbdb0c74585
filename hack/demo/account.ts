import type { Mark, Sample } from './record.ts';
import type { Autoscaler, AutoscalerMetric, RedisSettings, Snapshot } from './snapshot.ts';

export interface AccountInput {
  readonly sample: Sample;
  readonly totalSeconds: number;
  /** The newest last. */
  readonly marks: readonly Mark[];
  readonly redisBefore: RedisSettings;
  /** Requests that failed or were not sent, so far. */
  readonly failed: number;
}

/** The demo at one moment, as a block of lines for a terminal. */
export function block(input: AccountInput): readonly string[] {
  const { sample, totalSeconds, marks, redisBefore, failed } = input;
  const { snapshot } = sample;
  return [
    row('time', `${sample.second} s of ${totalSeconds} s at most`),
    row('load', `${sample.sent}/s, ${perPod(sample)} a Pod; p95 ${latency(sample.p95Ms)}; ${failed} failed`),
    row('replicas', `${pods(snapshot)}; floor ${snapshot.autoscaler?.floor ?? '–'}`),
    row('HPA sees', metrics(snapshot).join(', ')),
    row('why', why(snapshot)),
    row('Redis', `${redis(redisBefore)}  →  ${redis(snapshot.redis)}`),
    row('service', serviceWords(snapshot)),
    ...objectives(snapshot).map((words) => row('goals', words)),
    row('lately', lately(marks)),
  ];
}

/** The same in one line, for logs. */
export function line({ sample, failed }: AccountInput): string {
  const { snapshot } = sample;
  const parts = [
    `${sample.second} s`.padStart(5),
    `load ${sample.sent}/s`.padEnd(10),
    `p95 ${latency(sample.p95Ms)}`.padEnd(11),
    pods(snapshot).padEnd(16),
    `floor ${snapshot.autoscaler?.floor ?? '–'}`,
    (snapshot.autoscaler?.metrics ?? []).map(metricText).join(', '),
    `Redis ${redis(snapshot.redis)}`,
    serviceWords(snapshot),
    `${failed} failed`,
  ];
  return parts.join('  ');
}

/** `1gb`, as redis.conf has it. */
export function redis({ maxMemoryBytes, policy }: RedisSettings): string {
  const gigabytes = maxMemoryBytes / 2 ** 30;
  const size = maxMemoryBytes === 0 ? '0' : gigabytes >= 1 ? `${gigabytes}gb` : `${maxMemoryBytes / 2 ** 20}mb`;
  return `maxmemory ${size} ${policy}`;
}

export function latency(ms: number | null): string {
  return ms === null ? '–' : ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const row = (name: string, text: string): string => `  ${name.padEnd(9)} ${text}`;

const pods = ({ replicas: { ready, desired } }: Snapshot): string => `${ready} of ${desired} Pods ready`;

function perPod({ sent, snapshot }: Sample): string {
  const { ready } = snapshot.replicas;
  return ready === 0 ? '–' : (sent / ready).toFixed(0);
}

/** `cpu 12 % of 300 %`. */
function metrics({ autoscaler }: Snapshot): readonly string[] {
  if (autoscaler === undefined) return ['no HPA yet'];
  const read = autoscaler.metrics.map(metricText);
  return isShadowed(autoscaler) ? [...read, 'requests/s through its floor'] : read;
}

/** Whether requests per second reach the HPA through its floor. */
const isShadowed = ({ metrics: read }: Autoscaler): boolean => !read.some(({ name }) => name === 'requests_per_second');

const metricText = ({ name, current = 'unknown', target }: AutoscalerMetric): string =>
  `${name} ${current} of ${target}`;

/** The operator's last decision; the HPA's own words where it reads requests per second itself. */
function why({ service, autoscaler }: Snapshot): string {
  const decision = service?.components?.[0]?.decision;
  const isTheHpas = autoscaler !== undefined && !isShadowed(autoscaler);
  return decision === undefined
    ? ((isTheHpas ? autoscaler.reasoning : undefined) ?? 'no change so far')
    : `${decision.action} ${decision.from} → ${decision.to}: ${decision.message}`;
}

function serviceWords({ service }: Snapshot): string {
  const ready = service?.conditions?.find(({ type }) => type === 'Ready');
  const state =
    ready === undefined ? 'not looked at yet' : `${ready.status === 'True' ? 'Ready' : 'not Ready'} (${ready.reason})`;
  const met = service?.objectivesMet === undefined ? [] : [`objectives ${service.objectivesMet}`];
  const grade = service?.rating?.grade === undefined ? [] : [service.rating.grade];
  return [state, ...met, ...grade].join(', ');
}

const signs: Readonly<Record<string, string>> = { Met: '✓', NotMet: '✗', NotExercised: '–' };

/** A space at which no line is broken. */
const noBreak = '\u00A0';

/** What the service is measured by, in one row; none before the first figures. */
function objectives({ service }: Snapshot): readonly string[] {
  const all = service?.objectives ?? [];
  if (all.length === 0) return [];
  const words = all.map(({ name, state, measured = 'unknown', target = '' }) =>
    `${signs[state] ?? '?'} ${name} ${measured} of ${target}`.replaceAll(' ', noBreak),
  );
  return [words.join(', ')];
}

function lately(marks: readonly Mark[]): string {
  const latest = marks.slice(-3).map(({ second, text }) => `${second} s: ${text}`);
  return latest.length === 0 ? 'nothing' : latest.join(';  ');
}
