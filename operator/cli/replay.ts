import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isObject, readBundle, replayed, type Bundle } from './bundle.ts';
import { command, exit, oneOf, UsageError, type Output } from './command.ts';
import { planJson, planText } from './diff.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';
import { decisionsText, isSame, replayedDecisions, type ReplayedDecisions } from './replayed-decisions.ts';
import { otherPolicy } from './replayed-policy.ts';

type Format = (typeof outputs)[number];

export const replay = command({
  summary: 'compute the plans of a bundle, and what its scaler asked for, once more, without a cluster',
  usage: 'BUNDLE [--policy FILE]',
  examples: [
    'genops replay bundle.yaml   # exit code 0: as the version that wrote it, 1: otherwise, 2: no bundle',
    'genops replay bundle.yaml --policy policy.yaml   # what its scaler would have asked for; 1: something else, 2: that cannot be told',
  ],
  options: { policy: { type: 'string' }, ...outputOption },
  help: {
    policy: 'file with a PerformancePolicy: the decisions of the scaler by it, instead of that of the bundle',
    ...outputHelp,
  },
  choices: { output: outputs },
  async run({ values, positionals: [file, ...rest], out, err }) {
    const output = oneOf('output', values.output, outputs);
    if (file === undefined || rest.length > 0)
      throw new UsageError('wanted one file: genops replay bundle.yaml, as genops report has written it');
    const written = await readFile(file, 'utf8').catch((error: Error) => {
      throw new UsageError(`cannot read ${file}: ${error.message}`, { cause: error });
    });
    const bundle = readBundle(written, file);
    return values.policy === undefined
      ? asWritten(bundle, { file, output, out, err })
      : underPolicy(bundle, values.policy, { file, output, out, err });
  },
});

interface Told {
  readonly file: string;
  readonly output: Format;
  readonly out: Output;
  readonly err: Output;
}

function asWritten(bundle: Bundle, { file, output, out, err }: Told): number {
  const plans = replayed(bundle);
  const plain = JSON.parse(JSON.stringify(plans.map(planJson))) as unknown;
  const made = replayedDecisions(bundle);
  const text = [...plans.map(planText), decisionsText(made)].join('');
  out.write(output === 'text' ? text : structured(output, { plans: plain, ...made }));
  const isAsPlanned = bundle.plans === undefined || isDeepStrictEqual(plain, bundle.plans);
  const isAsScaled = made.decisions.every(isSame);
  if (!isAsPlanned) err.write(`genops ${bundle.genops} planned otherwise: see plans in ${file}\n`);
  if (!isAsScaled) err.write(`genops ${bundle.genops} scaled otherwise: see decisions in ${file}\n`);
  return isAsPlanned && isAsScaled ? exit.yes : exit.no;
}

/** Of the scaler alone: what levers saw is of the units that the policy of the bundle has. */
async function underPolicy(bundle: Bundle, policy: string, { file, output, out, err }: Told): Promise<number> {
  const made = replayedDecisions(bundle, await otherPolicy(bundle, policy));
  out.write(output === 'text' ? `${decisionsText(made)}${unknownText(made)}` : structured(output, made));
  if (made.decisions.length > 0) return made.decisions.every(isSame) ? exit.yes : exit.no;
  const has = isObject(bundle.decisions) ? 'none that can be made once more' : 'none';
  err.write(
    `${file}: saw ${has} of the scaler’s decisions; wanted one; next: genops report NAME --service-account NAME\n`,
  );
  return exit.cannotTell;
}

const unknownText = ({ decisions }: ReplayedDecisions): string =>
  decisions.length === 0
    ? ''
    : 'not known: what would have come of it. What was learned, wanted and asked for before is of the policy then in force, and bounds of budgets are left out\n';
