import { milliseconds } from '../api/duration.ts';
import { connectFor } from './cluster.ts';
import { clusterHelp, clusterOptions, command, oneOf, UsageError } from './command.ts';
import { leaseNamespaceOf } from './lease.ts';
import { objectiveRows } from './objective-rows.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';
import { openProgress, type Progress } from './progress.ts';
import { serviceLooks } from './service-looks.ts';
import { table } from './table.ts';
import { exitOf, verdictOf, type Look, type Verdict } from './verdict.ts';
import { objectivesOf, workloadLooks, workloadUrl } from './workload-looks.ts';

const usage = 'genops validate generation -n ai';

export const validate = command({
  summary: 'check that a service meets its objectives',
  usage: 'NAME [-n NAMESPACE] [--wait DURATION] | --url URL [--policy FILE]',
  examples: [
    `${usage}   # exit code 0: all met, 1: one is not, 2: cannot tell`,
    `${usage} --wait 10m --allow-unexercised   # a gate in a pipeline: as soon as all are met, after ten minutes at the latest`,
    'genops validate --url http://10.1.2.3:8080/ --policy policy.yaml   # by the views of a workload, without a cluster',
  ],
  options: {
    ...clusterOptions,
    url: { type: 'string' },
    policy: { type: 'string' },
    'lease-namespace': { type: 'string' },
    wait: { type: 'string' },
    'allow-unexercised': { type: 'boolean', default: false },
    ...outputOption,
  },
  help: {
    ...clusterHelp,
    url: 'judge the workload that serves /api/monitoring/metrics and /api/cache/status here',
    policy: 'with --url: the PerformancePolicy whose targets hold; else the defaults',
    'lease-namespace': 'where the operator is installed; else genops-system',
    wait: 'how long it may take until all are met, for example 10m; else as it is now',
    'allow-unexercised': 'pass over an objective whose load was not there; else nothing can be said then',
    ...outputHelp,
  },
  choices: { output: outputs },
  async run({ values, positionals, env, out, err, signal }) {
    const output = oneOf('output', values.output, outputs);
    const waitMs = durationMs(values.wait);
    const how = { allowUnexercised: values['allow-unexercised'] };
    const until = waitMs === 0 ? AbortSignal.abort() : AbortSignal.timeout(waitMs);
    const looks =
      values.url === undefined
        ? looksOfService(
            positionals,
            { ...values, leaseNamespace: leaseNamespaceOf(values['lease-namespace'], env) },
            { until, signal },
          )
        : looksOfWorkload(positionals, { ...values, url: values.url }, { until, signal });
    const look = await settled(looks, how, () => (waitMs === 0 ? undefined : openProgress(err, Date.now() + waitMs)));
    const verdict = verdictOf(look, how);
    out.write(output === 'text' ? validationText(look, verdict) : structured(output, asPlain(look, verdict)));
    if (look.caution !== undefined) err.write(`${look.caution}\n`);
    if (verdict.answer !== 'Met') for (const remark of look.remarks ?? []) err.write(`${remark}\n`);
    return exitOf(verdict);
  },
});

interface Times {
  readonly until: AbortSignal;
  readonly signal: AbortSignal;
}

async function* looksOfService(
  positionals: readonly string[],
  values: Parameters<typeof connectFor>[1] & { readonly policy?: string | undefined; readonly leaseNamespace: string },
  { until, signal }: Times,
): AsyncGenerator<Look> {
  if (values.policy !== undefined)
    throw new UsageError('saw --policy without --url; wanted a service alone: it names its own policy');
  const { kube: client, key } = await connectFor(positionals, values, usage);
  await using kube = client;
  yield* serviceLooks({ kube, key, leaseNamespace: values.leaseNamespace, until }, signal);
}

async function* looksOfWorkload(
  [name]: readonly string[],
  { url, policy }: { readonly url: string; readonly policy?: string | undefined },
  { until, signal }: Times,
): AsyncGenerator<Look> {
  if (name !== undefined) throw new UsageError(`saw ${name} and --url; wanted one of them`);
  yield* workloadLooks({ url: workloadUrl(url), policy: await objectivesOf(policy), until }, signal);
}

/** The first look at which all is met, else the last one. */
async function settled(
  looks: AsyncIterable<Look>,
  how: Parameters<typeof verdictOf>[1],
  open: () => Progress | undefined,
): Promise<Look> {
  using progress = open();
  let last: Look = { about: '', objectives: [], unsettled: 'nothing was seen' };
  for await (const look of looks) {
    last = look;
    const { answer, summary } = verdictOf(look, how);
    if (answer === 'Met') return look;
    progress?.show(`${look.about}: waiting: ${summary}`);
  }
  return last;
}

/** @throws {UsageError} */
function durationMs(text: string | undefined): number {
  if (text === undefined) return 0;
  try {
    return milliseconds(text);
  } catch (error) {
    throw new UsageError(`--wait: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
  }
}

const ends: Readonly<Record<Verdict['answer'], string>> = {
  Met: 'every objective is met',
  NotMet: 'not every objective is met',
  Unknown: 'cannot tell',
};

/** A line for each objective, and one that sums them up. */
export const validationText = ({ about, objectives }: Look, { answer, summary }: Verdict): string =>
  `${table(objectiveRows(objectives))}${about}: ${ends[answer]} (${summary})\n`;

const asPlain = ({ about, objectives, caution, remarks = [] }: Look, verdict: Verdict): object => ({
  about,
  ...verdict,
  objectives,
  caution,
  remarks,
});
