/**
 * How well scalers decide: every trace of a folder (GENOPS_TRACES, with a manifest.yaml) or those that are made here, at two start-up delays, beside the HPA and Knative's autoscaler.
 * Prints Markdown: docs/decision-quality.md has a run of it; each figure also goes to stderr as soon as it is known. Ends with 1 where Lookahead is worse than decision-goals.ts allows.
 * Arguments pick traces by a part of their name, --rivals=oracle,hpa and --delays=90 what is run of them; --beliefs shows what wrong ones cost Lookahead, --worlds what it does where the service is not as simple, --year how long a year takes, and ends with 1 where that is too long.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { effectivePolicy } from '../../operator/decide/effective-policy.ts';
import { autoscalerOf, type AutoscalerInput, type AutoscalerName } from '../../operator/simulate/autoscalers/named.ts';
import { searchOracle } from '../../operator/simulate/oracle.ts';
import type { Outcome } from '../../operator/simulate/outcome.ts';
import { drawRequests } from '../../operator/simulate/requests.ts';
import { startRun } from '../../operator/simulate/run.ts';
import { replicasAtStart, type Service } from '../../operator/simulate/service.ts';
import { startSteps } from '../../operator/simulate/steps.ts';
import { lengthSeconds, readTrace, type Trace } from '../../operator/simulate/trace.ts';
import type { Autoscaler } from '../../operator/simulate/world.ts';
import { decisionGoals, geometric, raised, type Figures, type Pair } from './decision-goals.ts';
import { madeTraces, madeYear } from './made-traces.ts';

type Class = Pick<Service, 'slots' | 'serviceSeconds' | 'serviceCv' | 'objectiveSeconds'>;
const classes: Readonly<Record<string, Class>> = {
  api: { slots: 4, serviceSeconds: 0.4, serviceCv: 0.6, objectiveSeconds: 2 },
  workflow: { slots: 5, serviceSeconds: 8, serviceCv: 0.6, objectiveSeconds: 30 },
};
type Rival = AutoscalerName | 'oracle';
const bounds = { minReplicas: 2, maxReplicas: 20 };
const rivals: readonly Rival[] = pick('rivals', [
  'hpa',
  'kpa',
  'score',
  'score+hpa',
  'lookahead',
  'lookahead+hpa',
  'oracle',
]);
const delays = pick('delays', [30, 90]);
const policy = effectivePolicy({ policy: { name: 'bench', spec: {} } }).policy;

/** Of these, those that `--flag=` names; all without it. */
function pick<Each extends string | number>(flag: string, all: readonly Each[]): readonly Each[] {
  const asked = process.argv.find((argument) => argument.startsWith(`--${flag}=`))?.slice(flag.length + 3);
  if (asked === undefined) return all;
  return asked.split(',').map((name) => {
    const found = all.find((each) => String(each) === name);
    if (found === undefined) throw new Error(`saw --${flag}=${name}; wanted some of ${all.join(', ')}`);
    return found;
  });
}

interface Named {
  readonly name: string;
  readonly trace: Trace;
  readonly of: Class;
}

function traces(): readonly Named[] {
  const folder = process.env['GENOPS_TRACES'];
  if (folder === undefined)
    return madeTraces().map(({ name, service, trace }) => ({ name, trace, of: classOf(service) }));
  const manifest = path.join(folder, 'manifest.yaml');
  if (!existsSync(manifest)) throw new Error(`saw no ${manifest}; wanted it to name the traces of the folder`);
  const { traces: all } = parse(readFileSync(manifest, 'utf8')) as {
    readonly traces: readonly { readonly name: string; readonly file: string; readonly service: string }[];
  };
  return all.map(({ name, file, service }) => ({
    name,
    trace: readTrace(readFileSync(path.join(folder, file), 'utf8')),
    of: classOf(service),
  }));
}

function classOf(name: string): Class {
  const found = classes[name];
  if (found === undefined) throw new Error(`saw class ${name}; wanted one of ${Object.keys(classes).join(', ')}`);
  return found;
}

/** Short traces say less each: the mean of three seeds. */
const seedsOf = (trace: Trace): readonly number[] => (lengthSeconds(trace) < 86_400 ? [1, 2, 3] : [1]);

interface Twist {
  /** What the autoscaler is told of the service, and is not so. */
  readonly believed?: Partial<Service>;
  /** It finds out how many slots a replica has. */
  readonly learnsSlots?: boolean | undefined;
  /** What the service is, and no autoscaler is told. */
  readonly real?: Partial<Service>;
  readonly onDecision?: AutoscalerInput['onDecision'];
}

function measured(
  { trace, of }: Named,
  startUpSeconds: number,
  name: Rival,
  { believed = {}, learnsSlots, real = {}, onDecision }: Twist = {},
): Figures {
  const told: Service = { ...of, ...bounds, startUpSeconds };
  const service: Service = { ...told, ...real };
  const outcomes = seedsOf(trace).map((seed): Outcome => {
    const requests = drawRequests(trace, service, 1_000 * seed);
    const under = (autoscaler: Autoscaler): Outcome => {
      const replicas = replicasAtStart(trace, service);
      const length = lengthSeconds(trace);
      const run = startRun({ requests, service, lengthSeconds: length, replicas, autoscaler, seed: 1_000 * seed });
      run.advance(Infinity);
      return run.outcome();
    };
    if (name === 'oracle') return under(following(oracleOf(trace, service, under)));
    return under(autoscalerOf(name, { policy, service: { ...told, ...believed }, learnsSlots, onDecision }));
  });
  const mean = (figure: (outcome: Outcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + figure(outcome), 0) / outcomes.length;
  return {
    over: 100 * mean(({ overRatio }) => overRatio),
    windows: 100 * mean(({ windowsOverRatio }) => windowsOverRatio),
    hours: mean(({ replicaHours }) => replicaHours),
    changesAnHour: mean(({ changes }) => changes) / (lengthSeconds(trace) / 3600),
  };
}

/** What the oracle asks for; over days it is searched for without following single requests. */
function oracleOf(trace: Trace, service: Service, under: (autoscaler: Autoscaler) => Outcome): Outcome['decisions'] {
  const bySteps = (autoscaler: Autoscaler): Outcome => {
    const run = startSteps({ trace, service, replicas: replicasAtStart(trace, service), autoscaler, seed: 1 });
    run.advance(Infinity);
    return run.outcome();
  };
  const isLong = lengthSeconds(trace) >= 86_400;
  const search = searchOracle(trace, service);
  let tried = search.next();
  while (tried.done !== true) tried = search.next((isLong ? bySteps : under)(tried.value));
  return tried.value.decisions;
}

function following(decisions: Outcome['decisions']): Autoscaler {
  let next = 0;
  return {
    name: 'following',
    get nextAt() {
      return decisions[next]?.[0] ?? Infinity;
    },
    act: ({ fleet }) => decisions[next++]?.[1] ?? fleet.asked,
  };
}

const cell = ({ over, hours }: Figures): string => `${over.toFixed(2)} / ${hours.toFixed(hours < 100 ? 1 : 0)}`;
const otherCell = ({ windows, changesAnHour }: Figures): string =>
  `${windows.toFixed(2)} / ${changesAnHour.toFixed(1)}`;
const plain = (values: readonly number[], digits: number): string =>
  (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(digits);

function summary(name: string, own: readonly Figures[], base: readonly Figures[]): string {
  const over = own.map((figures, index) => (figures.over + raised) / ((base[index]?.over ?? 0) + raised));
  const hours = own.map((figures, index) => figures.hours / (base[index]?.hours ?? 1));
  const windows = plain(
    own.map((figures) => figures.windows),
    2,
  );
  const changes = plain(
    own.map((figures) => 24 * figures.changesAnHour),
    0,
  );
  return `| ${name} | ${geometric(over).toFixed(3)} | ${geometric(hours).toFixed(3)} | ${windows} | ${changes} |`;
}

type OfRival = ReadonlyMap<Rival, Figures>;

function compare(all: readonly Named[]): void {
  const pairs: Pair[] = [];
  const head = `| trace | ${rivals.join(' | ')} |\n| --- |${' --: |'.repeat(rivals.length)}`;
  for (const delay of delays) {
    const rows = all.map((named) => ({ name: named.name, of: measuredAll(named, delay) }));
    pairs.push(...rows.flatMap(({ name, of }) => pairOf(name, delay, of)));
    const table = (show: (figures: Figures) => string): string =>
      [head, ...rows.map(({ name, of }) => `| ${name} | ${[...of.values()].map(show).join(' | ')} |`)].join('\n');
    console.log(`\n### Start-up ${delay} s\n\nRequests over the objective in % / replica-hours.\n\n${table(cell)}`);
    console.log(`\nWindows of 5 min missed in % / changes an hour.\n\n${table(otherCell)}`);
    summarize(rows.map(({ of }) => of));
  }
  if (pairs.length > 0) judge(pairs);
}

function pairOf(trace: string, delay: number, of: OfRival): readonly Pair[] {
  const [hpa, lookahead] = [of.get('hpa'), of.get('lookahead')];
  return hpa === undefined || lookahead === undefined ? [] : [{ trace, delay, hpa, lookahead }];
}

function summarize(rows: readonly OfRival[]): void {
  const of = (rival: Rival): readonly Figures[] => rows.flatMap((row) => row.get(rival) ?? []);
  if (of('hpa').length === 0) return;
  console.log('\n| against the HPA | over | replica-hours | windows missed % | changes a day |');
  console.log('| --- | --: | --: | --: | --: |');
  for (const name of rivals) console.log(summary(name, of(name), of('hpa')));
}

/** Hours of load take minutes: what is known already stands on stderr. */
const measuredAll = (named: Named, delay: number): OfRival =>
  new Map(
    rivals.map((rival) => {
      const figures = measured(named, delay, rival);
      console.error(`${named.name} ${delay} s ${rival}: ${cell(figures)}, ${otherCell(figures)}`);
      return [rival, figures];
    }),
  );

function judge(pairs: readonly Pair[]): void {
  const verdicts = decisionGoals(pairs);
  const missed = verdicts.filter(({ holds }) => !holds);
  console.log(`\nOf ${verdicts.length} goals of Lookahead ${missed.length} are missed.`);
  if (missed.length === 0) return;
  for (const { goal, is } of missed) console.error(`missed: ${goal}, is ${is}`);
  process.exitCode = 1;
}

/** What Lookahead is told of the service, and is not so. */
const beliefs: readonly {
  readonly name: string;
  readonly of: (service: Service) => Partial<Service>;
  readonly learnsSlots?: boolean;
}[] = [
  { name: 'right', of: () => ({}) },
  { name: 'start-up 30 % too short', of: ({ startUpSeconds }) => ({ startUpSeconds: 0.7 * startUpSeconds }) },
  { name: 'start-up 30 % too long', of: ({ startUpSeconds }) => ({ startUpSeconds: 1.3 * startUpSeconds }) },
  { name: 'CV 0.3 instead of 0.6', of: () => ({ serviceCv: 0.3 }) },
  { name: 'CV 0.9 instead of 0.6', of: () => ({ serviceCv: 0.9 }) },
  { name: 'slots 30 % too few', of: ({ slots }) => ({ slots: 0.7 * slots }) },
  { name: 'slots 30 % too many', of: ({ slots }) => ({ slots: 1.3 * slots }) },
  { name: 'slots 30 % too few, and not declared', of: ({ slots }) => ({ slots: 0.7 * slots }), learnsSlots: true },
  { name: 'slots 30 % too many, and not declared', of: ({ slots }) => ({ slots: 1.3 * slots }), learnsSlots: true },
];

function believe(all: readonly Named[]): void {
  const each = all.flatMap((named) => delays.map((delay) => ({ named, delay })));
  const base = each.map(({ named, delay }) => measured(named, delay, 'hpa'));
  console.log(
    '\n| believed | over | replica-hours | windows missed % | changes a day |\n| --- | --: | --: | --: | --: |',
  );
  for (const { name, of, learnsSlots } of beliefs) {
    const own = each.map(({ named, delay }) =>
      measured(named, delay, 'lookahead', {
        believed: of({ ...named.of, ...bounds, startUpSeconds: delay }),
        learnsSlots,
      }),
    );
    console.log(summary(name, own, base));
  }
}

/** What the service is besides what an autoscaler can be told. Nineteen replicas are busy at most: 95 slots of workflows, 76 of an API. */
const worlds: readonly { readonly name: string; readonly real: Partial<Service> }[] = [
  { name: 'as told', real: {} },
  { name: 'service times rise with load, to × 1.4', real: { dependency: { slots: 20, power: 0.22 } } },
  { name: 'a dependency is full at 40 busy slots', real: { dependency: { slots: 40, power: 1 } } },
  { name: 'beyond 40 it gets slower than that', real: { dependency: { slots: 40, power: 1.3 } } },
];

function inWorlds(all: readonly Named[]): void {
  const each = all.flatMap((named) => delays.map((delay) => ({ named, delay })));
  console.log(
    '\n| the service | scaler | over % | replica-hours | decisions that say so % |\n| --- | --- | --: | --: | --: |',
  );
  for (const { name, real } of worlds)
    for (const scaler of ['hpa', 'lookahead'] as const) {
      let [decisions, saying] = [0, 0];
      const onDecision: Twist['onDecision'] = (_, { saturation }) => {
        decisions++;
        if (saturation !== undefined) saying++;
      };
      const own = each.map(({ named, delay }) => measured(named, delay, scaler, { real, onDecision }));
      const over = plain(
        own.map((figures) => figures.over),
        2,
      );
      const hours = plain(
        own.map((figures) => figures.hours),
        1,
      );
      const says = decisions === 0 ? '' : ((100 * saying) / decisions).toFixed(1);
      console.log(`| ${name} | ${scaler} | ${over} | ${hours} | ${says} |`);
    }
}

/** More, and nobody waits for it. */
const mostYearSeconds = 20;

/** How much CPU a year of 15 s steps takes Lookahead, without following single requests. */
function timeYear(): void {
  const { trace, service: name } = madeYear();
  const service: Service = { ...classOf(name), ...bounds, startUpSeconds: 90 };
  const before = process.cpuUsage();
  const autoscaler = autoscalerOf('lookahead', { policy, service });
  const run = startSteps({ trace, service, replicas: replicasAtStart(trace, service), autoscaler, seed: 1 });
  run.advance(Infinity);
  const { user, system } = process.cpuUsage(before);
  const { overRatio, replicaHours } = run.outcome();
  const how = `${(100 * overRatio).toFixed(2)} % over, ${replicaHours.toFixed(0)} replica-hours`;
  const seconds = (user + system) / 1e6;
  console.log(`${trace.counts.length} steps of 15 s: ${seconds.toFixed(1)} s of CPU of ${mostYearSeconds} (${how})`);
  if (seconds > mostYearSeconds) process.exitCode = 1;
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const chosen = traces().filter(({ name }) => asked.length === 0 || asked.some((part) => name.includes(part)));
if (process.argv.includes('--beliefs')) believe(chosen);
else if (process.argv.includes('--worlds')) inWorlds(chosen);
else if (process.argv.includes('--year')) timeYear();
else compare(chosen);
