import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { readBundle, replayed } from './bundle.ts';
import { command, exit, oneOf, UsageError } from './command.ts';
import { planJson, planText } from './diff.ts';
import { isSame, replayedScores, scoreText } from './replayed-scores.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';

export const replay = command({
  summary: 'compute the plans of a bundle, and what Score asked for, once more, without a cluster',
  usage: 'BUNDLE',
  examples: ['genops replay bundle.yaml   # exit code 0: as the version that wrote it, 1: otherwise, 2: no bundle'],
  options: outputOption,
  help: outputHelp,
  choices: { output: outputs },
  async run({ values, positionals: [file, ...rest], out, err }) {
    const output = oneOf('output', values.output, outputs);
    if (file === undefined || rest.length > 0)
      throw new UsageError('wanted one file: genops replay bundle.yaml, as genops report has written it');
    const written = await readFile(file, 'utf8').catch((error: Error) => {
      throw new UsageError(`cannot read ${file}: ${error.message}`, { cause: error });
    });
    const bundle = readBundle(written, file);
    const plans = replayed(bundle);
    const plain = JSON.parse(JSON.stringify(plans.map(planJson))) as unknown;
    const scores = replayedScores(bundle);
    const text = [...plans.map(planText), ...scores.map(scoreText)].join('');
    out.write(output === 'text' ? text : structured(output, { plans: plain, scores }));
    const isAsPlanned = bundle.plans === undefined || isDeepStrictEqual(plain, bundle.plans);
    if (!isAsPlanned) err.write(`genops ${bundle.genops} planned otherwise: see plans in ${file}\n`);
    if (!scores.every(isSame)) err.write(`genops ${bundle.genops} scaled otherwise: see decisions in ${file}\n`);
    return isAsPlanned && scores.every(isSame) ? exit.yes : exit.no;
  },
});
