import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { problemText } from '../api/field-problem.ts';
import { seconds } from '../api/duration.ts';
import { effectivePolicy, type EffectivePolicy } from '../decide/effective-policy.ts';
import { autoscalerNames, autoscalerOf, scalerOf, type AutoscalerName } from '../simulate/autoscalers/named.ts';
import type { Outcome } from '../simulate/outcome.ts';
import { pictureOf } from '../simulate/picture.ts';
import { drawRequests } from '../simulate/requests.ts';
import { startRun, type Run } from '../simulate/run.ts';
import { replicasAtStart, type Service } from '../simulate/service.ts';
import { startSteps } from '../simulate/steps.ts';
import { lengthSeconds, readTrace, type Trace } from '../simulate/trace.ts';
import { command, exit, oneOf, type Output, UsageError } from './command.ts';
import { readManifests } from './manifests.ts';
import { table } from './table.ts';

export const simulate = command({
  summary: 'run the scaler of a policy over recorded load, beside other autoscalers',
  usage: '--trace CSV [--policy FILE] [--against hpa,kpa,score]',
  examples: [
    'genops simulate --policy policy.yaml --trace week.csv --against hpa,kpa,score',
    'genops simulate --trace week.csv --start-up 90s --picture week.svg --decisions week-decisions.csv',
    'genops simulate --trace day.csv --slots 4 --service-time 400ms --objective 2s -o json   # another kind of service',
  ],
  options: {
    trace: { type: 'string' },
    policy: { type: 'string' },
    against: { type: 'string' },
    slots: { type: 'string', default: '5' },
    'service-time': { type: 'string', default: '8s' },
    'service-cv': { type: 'string', default: '0.6' },
    objective: { type: 'string' },
    'start-up': { type: 'string', default: '30s' },
    seed: { type: 'string', default: '1' },
    method: { type: 'string', default: 'auto' },
    decisions: { type: 'string' },
    picture: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'text' },
  },
  help: {
    trace: 'CSV time,arrivals: seconds in equal steps, and the requests that arrived in each',
    policy: 'file with a PerformancePolicy; else the defaults',
    against: `others to compare with, separated by commas: ${autoscalerNames.join(', ')}`,
    slots: 'requests that one replica works on at a time',
    'service-time': 'mean time that a request works, without waiting',
    'service-cv': 'standard deviation of that by its mean; times are lognormal',
    objective: 'response time to be met; else that of the policy’s workflowDuration',
    'start-up': 'from the creation of a Pod until it is Ready',
    seed: 'another one draws other moments and service times',
    method: 'requests follows each of them, steps only how many there are; auto: steps above ten million requests',
    decisions: 'file to write: CSV time,replicas of the policy’s scaler',
    picture: 'file to write: SVG',
    output: 'text or json',
  },
  async run({ values, out, err, signal }) {
    const output = oneOf('output', values.output, ['text', 'json']);
    const policy = await readPolicy(values.policy);
    const trace = await readTraceFile(values.trace);
    const service = serviceOf(values, policy);
    const names = namesOf(policy, values.against);
    const method = methodFor(oneOf('method', values.method, ['auto', ...methods]), trace);
    const simulation = { policy, trace, service, method, seed: whole('seed', values.seed) };
    const runs: Simulated[] = [];
    for (const name of names) runs.push({ name, outcome: await simulated(name, simulation, err, signal) });
    const [own] = runs;
    if (own !== undefined && values.decisions !== undefined)
      await writeFile(values.decisions, decisionLog(own.outcome));
    if (values.picture !== undefined)
      await writeFile(values.picture, pictureOf({ title: basename(values.trace ?? ''), trace, service, runs }));
    out.write(output === 'json' ? asJson(simulation, runs) : asText(trace, runs));
    return exit.yes;
  },
});

interface Simulated {
  readonly name: AutoscalerName;
  readonly outcome: Outcome;
}
interface Simulation {
  readonly policy: EffectivePolicy;
  readonly trace: Trace;
  readonly service: Service;
  readonly method: Method;
  readonly seed: number;
}

const methods = ['requests', 'steps'] as const;
type Method = (typeof methods)[number];
/** Above as many requests following each of them takes minutes. */
const manyRequests = 10_000_000;

const methodFor = (method: Method | 'auto', { counts }: Trace): Method => {
  if (method !== 'auto') return method;
  return counts.reduce((sum, count) => sum + count, 0) > manyRequests ? 'steps' : 'requests';
};

async function readPolicy(file: string | undefined): Promise<EffectivePolicy> {
  const [given] = file === undefined ? [] : (await readManifests([file])).policies;
  if (file !== undefined && given === undefined)
    throw new UsageError(`saw no PerformancePolicy in ${file}; wanted one`);
  const layers = given === undefined ? {} : { policy: { name: given.metadata.name, spec: given.spec } };
  const { policy, problems } = effectivePolicy(layers);
  if (problems.length > 0) throw new UsageError(problems.map(problemText).join('\n'));
  return policy;
}

async function readTraceFile(file: string | undefined): Promise<Trace> {
  if (file === undefined) throw new UsageError('name the load: genops simulate --trace week.csv');
  const csv = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`cannot read ${file}: ${error.message}`, { cause: error });
  });
  try {
    return readTrace(csv);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${file}: ${error.message}`, { cause: error });
  }
}

type Values = Readonly<
  Record<'slots' | 'service-time' | 'service-cv' | 'start-up', string | undefined> & { objective?: string | undefined }
>;

function serviceOf(values: Values, { objectives, horizontal }: EffectivePolicy): Service {
  const { minReplicas, maxReplicas } = horizontal;
  const serviceCv = Number(values['service-cv']);
  if (!(serviceCv > 0 && serviceCv < Infinity))
    throw new UsageError(`saw --service-cv ${values['service-cv']}; wanted a number above 0, as 0.6`);
  return {
    slots: whole('slots', values.slots),
    serviceSeconds: time('service-time', values['service-time']),
    serviceCv,
    objectiveSeconds: time('objective', values.objective ?? objectives.workflowDuration.target),
    startUpSeconds: time('start-up', values['start-up']),
    minReplicas,
    maxReplicas,
  };
}

function time(flag: string, value = ''): number {
  try {
    return seconds(value);
  } catch (error) {
    throw new UsageError(`--${flag}: ${Error.isError(error) ? error.message : ''}`, { cause: error });
  }
}

function whole(flag: string, value = ''): number {
  if (!/^[1-9][0-9]{0,8}$/.test(value)) throw new UsageError(`saw --${flag} ${value}; wanted a whole number from 1 on`);
  return Number(value);
}

/** The policy's own scaler first, then the others. */
function namesOf(policy: EffectivePolicy, against: string | undefined): readonly AutoscalerName[] {
  const others = (against ?? '').split(',').filter((name) => name !== '');
  return [...new Set([scalerOf(policy), ...others.map((name) => oneOf('against', name, autoscalerNames))])];
}

/** Parts after which the command tells how far it is, and whether it is still wanted. */
const parts = 50;

function begin(name: AutoscalerName, { policy, trace, service, method, seed }: Simulation): Run {
  const replicas = replicasAtStart(trace, service);
  const input = { service, replicas, autoscaler: autoscalerOf(name, { policy, service }), seed };
  if (method === 'steps') return startSteps({ ...input, trace });
  return startRun({ ...input, requests: drawRequests(trace, service, seed), lengthSeconds: lengthSeconds(trace) });
}

async function simulated(name: AutoscalerName, simulation: Simulation, err: Output, signal: AbortSignal) {
  const length = lengthSeconds(simulation.trace);
  const run = begin(name, simulation);
  for (let part = 1; !run.advance((part * length) / parts); part++) {
    if (err.isTTY === true) err.write(`\r\x1b[K${name}: ${Math.min(100, (100 * part) / parts)} %`);
    await setImmediate(undefined, { signal });
  }
  if (err.isTTY === true) err.write('\r\x1b[K');
  return run.outcome();
}

const decisionLog = ({ decisions }: Outcome): string =>
  `time,replicas\n${decisions.map(([at, replicas]) => `${at},${replicas}\n`).join('')}`;

function asJson({ trace, service, method, seed }: Simulation, runs: readonly Simulated[]): string {
  const plain = runs.map(({ name, outcome: { decisions: _, lateRatios: __, ...figures } }) => ({ name, ...figures }));
  return `${JSON.stringify({ lengthSeconds: lengthSeconds(trace), service, method, seed, runs: plain }, undefined, 2)}\n`;
}

function asText(trace: Trace, runs: readonly Simulated[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const hours = lengthSeconds(trace) / 3600;
  const rows = runs.map(({ name, outcome }) => [
    name,
    percent(outcome.overRatio),
    percent(outcome.windowsOverRatio),
    outcome.replicaHours.toFixed(1),
    `${outcome.changes} (${(outcome.changes / hours).toFixed(1)}/h)`,
    String(outcome.longestQueue),
  ]);
  return table([
    ['SCALER', 'OVER OBJECTIVE', '5-MIN WINDOWS MISSED', 'REPLICA-HOURS', 'CHANGES', 'LONGEST QUEUE'],
    ...rows,
  ]);
}
