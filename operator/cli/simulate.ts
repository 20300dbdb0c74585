import { writeFile } from 'node:fs/promises';
import { problemText } from '../api/field-problem.ts';
import { effectivePolicy, type EffectivePolicy, type EffectiveResult } from '../decide/effective-policy.ts';
import { slotsOf, slotsPool } from '../decide/slots.ts';
import { scalerOf } from '../simulate/autoscalers/named.ts';
import type { Outcome } from '../simulate/outcome.ts';
import { pictureOf } from '../simulate/picture.ts';
import type { Service } from '../simulate/service.ts';
import { lengthSeconds, type Trace } from '../simulate/trace.ts';
import { command, exit, oneOf, UsageError } from './command.ts';
import { readPolicy } from './manifests.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';
import { fewRemark, overloadRemark } from './simulate-remarks.ts';
import {
  compared,
  methods,
  simulated,
  simulationOf,
  type Compared,
  type Method,
  type Policies,
  type Simulation,
} from './simulate-run.ts';
import { solved, solvedText } from './simulate-solve.ts';
import { traceFrom } from './simulate-trace.ts';
import { time, whole } from './simulate-values.ts';
import { table } from './table.ts';

export const simulate = command({
  summary: 'run the scaler of a policy over recorded load, beside other autoscalers',
  usage: '--trace CSV | --prometheus URL --query PROMQL | --solve [--policy FILE] [--against hpa,kpa,score]',
  examples: [
    'genops simulate --policy policy.yaml --trace week.csv --against hpa,kpa,score',
    'genops simulate --trace week.csv --start-up 90s --picture week.svg --decisions week-decisions.csv',
    `genops simulate --prometheus http://localhost:9090 --query 'sum(rate(http_server_request_duration_seconds_count[1m]))' --last 168h`,
    'genops simulate --policy policy.yaml --solve   # the replicas that the objective takes, without any load',
    'genops simulate --trace day.csv --slots 4 --service-time 400ms --objective 2s -o json   # another kind of service',
  ],
  options: {
    trace: { type: 'string' },
    prometheus: { type: 'string' },
    query: { type: 'string' },
    last: { type: 'string', default: '24h' },
    step: { type: 'string', default: '15s' },
    solve: { type: 'boolean' },
    policy: { type: 'string' },
    against: { type: 'string' },
    slots: { type: 'string' },
    'service-time': { type: 'string', default: '8s' },
    'service-cv': { type: 'string' },
    objective: { type: 'string' },
    'start-up': { type: 'string' },
    seed: { type: 'string', default: '1' },
    method: { type: 'string', default: 'auto' },
    decisions: { type: 'string' },
    picture: { type: 'string' },
    ...outputOption,
  },
  help: {
    trace: 'CSV time,arrivals: seconds in equal steps, and the requests that arrived in each',
    prometheus: 'URL of a Prometheus that has the load, instead of a file',
    query: 'PromQL of one series: requests a second',
    last: 'how much of it, up to now',
    step: 'a step of it',
    solve: 'say how many replicas concurrentWorkflows take within workflowDuration, and how much each number carries',
    policy: 'file with a PerformancePolicy; else the defaults',
    against: `others to compare with, separated by commas: ${compared.join(', ')}; oracle knows all that comes, and is searched for in a dozen runs`,
    slots: `requests that one replica works on at a time; else runtime.pools.${slotsPool} of the policy`,
    'service-time': 'mean time that a request works, without waiting',
    'service-cv':
      'standard deviation of that by its mean, times are lognormal; else that of the policy’s scaler.lookahead',
    objective: 'response time to be met; else that of the policy’s workflowDuration',
    'start-up': 'from the creation of a Pod until it is Ready; else that of the policy’s scaler.lookahead, or 30s',
    seed: 'another one draws other moments and service times',
    method: 'requests follows each of them, steps only how many there are; auto: steps above ten million requests',
    decisions: 'file to write: CSV time,replicas of the policy’s scaler',
    picture: 'file to write: SVG',
    ...outputHelp,
  },
  choices: { output: outputs },
  async run({ values, out, err, signal }) {
    const output = oneOf('output', values.output, outputs);
    const { policy, alone, declared } = await readPolicies(values.policy);
    const service = serviceOf(values, policy);
    if (values.solve === true) {
      takesNoLoad(values);
      const answer = solved(policy, declared, service);
      out.write(output === 'text' ? solvedText(answer) : structured(output, answer));
      return answer.solution === undefined ? exit.no : exit.yes;
    }
    const { name: title, trace, missing } = await traceFrom(values, Date.now() / 1_000, signal);
    if (missing > 0)
      err.write(`${missing} of ${trace.counts.length} steps are not known: each is taken to be as the one before\n`);
    const names = namesOf(policy, values.against);
    const method = methodFor(oneOf('method', values.method, ['auto', ...methods]), trace);
    const simulation = simulationOf({ policy, alone, trace, service, method, seed: whole('seed', values.seed) });
    err.write(overloadRemark(trace, service));
    const runs: Simulated[] = [];
    for (const name of names) runs.push({ name, outcome: await simulated(name, simulation, { err, signal }) });
    const [own] = runs;
    if (own !== undefined) err.write(fewRemark(trace, own.outcome));
    if (own !== undefined && values.decisions !== undefined) await write(values.decisions, decisionLog(own.outcome));
    if (values.picture !== undefined) await write(values.picture, pictureOf({ title, trace, service, runs }));
    out.write(output === 'text' ? asText(trace, runs) : structured(output, plain(simulation, runs)));
    return exit.yes;
  },
});

interface Simulated {
  readonly name: Compared;
  readonly outcome: Outcome;
}

const ofLoad = ['trace', 'prometheus', 'query', 'against', 'decisions', 'picture'] as const;

function takesNoLoad(values: Readonly<Partial<Record<(typeof ofLoad)[number], string | undefined>>>): void {
  const given = ofLoad.find((flag) => values[flag] !== undefined);
  if (given !== undefined)
    throw new UsageError(`saw --solve with --${given}; wanted one of them: --solve takes no load`);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new UsageError(`cannot write ${file}: ${Error.isError(error) ? error.message : ''}`, { cause: error });
  }
}

/** Above as many requests following each of them takes minutes. */
const manyRequests = 10_000_000;

/** Each takes 16 bytes. */
const mostRequests = 100_000_000;

function methodFor(method: Method | 'auto', { counts }: Trace): Method {
  const requests = counts.reduce((sum, count) => sum + count, 0);
  if (method === 'requests' && requests > mostRequests)
    throw new UsageError(
      `saw ${requests} requests with --method requests; wanted ${mostRequests} at most, or --method steps`,
    );
  if (method !== 'auto') return method;
  return requests > manyRequests ? 'steps' : 'requests';
}

async function readPolicies(file: string | undefined): Promise<Policies & Pick<EffectiveResult, 'declared'>> {
  const given = file === undefined ? undefined : await readPolicy(file);
  const layers = given === undefined ? {} : { policy: { name: given.metadata.name, spec: given.spec } };
  const { policy, declared, problems } = effectivePolicy(layers);
  if (problems.length > 0) throw new UsageError(problems.map(problemText).join('\n'));
  const alone = effectivePolicy({ ...layers, overrides: { scaler: { algorithm: 'Score' } } }).policy;
  return { policy, alone, declared };
}

type Values = Readonly<
  Partial<Record<'slots' | 'service-time' | 'service-cv' | 'start-up' | 'objective', string | undefined>>
>;

/** What the flags say of it, else the policy. */
function serviceOf(values: Values, policy: EffectivePolicy): Service {
  const { objectives, horizontal, scaler } = policy;
  const { minReplicas, maxReplicas } = horizontal;
  const { serviceVariationPercent, startUp = '30s' } = scaler.lookahead;
  const serviceCv = Number(values['service-cv'] ?? serviceVariationPercent / 100);
  if (!(serviceCv > 0 && serviceCv < Infinity))
    throw new UsageError(`saw --service-cv ${values['service-cv']}; wanted a number above 0, as 0.6`);
  return {
    slots: whole('slots', values.slots ?? String(slotsOf(policy))),
    serviceSeconds: time('service-time', values['service-time']),
    serviceCv,
    objectiveSeconds: time('objective', values.objective ?? objectives.workflowDuration.target),
    startUpSeconds: time('start-up', values['start-up'] ?? startUp),
    minReplicas,
    maxReplicas,
  };
}

/** The policy's own scaler first, then the others. */
function namesOf(policy: EffectivePolicy, against: string | undefined): readonly Compared[] {
  const others = (against ?? '').split(',').filter((name) => name !== '');
  return [...new Set([scalerOf(policy), ...others.map((name) => oneOf('against', name, compared))])];
}

const decisionLog = ({ decisions }: Outcome): string =>
  `time,replicas\n${decisions.map(([at, replicas]) => `${at},${replicas}\n`).join('')}`;

function plain({ trace, service, method, seed }: Simulation, all: readonly Simulated[]): object {
  const runs = all.map(({ name, outcome: { decisions: _, lateRatios: __, ...figures } }) => ({ name, ...figures }));
  return { lengthSeconds: lengthSeconds(trace), service, method, seed, runs };
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
