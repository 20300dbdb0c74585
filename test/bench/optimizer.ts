/**
 * How often the optimizer is wrong about its own actions, over noises that are made here: an action that does nothing called a help or a harm, and one that helps found.
 * Prints Markdown and ends with 1 where a rate is over its bound.
 */
import { bounds, noises, ratesOf } from './noises.ts';

const windows = { history: 720, window: 12, settle: 6 };
const runs = Number(process.env['RUNS'] ?? 400);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const wrong: string[] = [];
console.log(
  `An action that does nothing, ${runs} runs each; at most ${percent(bounds.falseImproved)} and ${percent(bounds.falseWorse)}.\n`,
);
console.log('| noise | called improved | called worse |\n| --- | --: | --: |');
for (const noise of noises) {
  const { improved, worse } = ratesOf(noise, windows, { effect: 0, runs });
  console.log(`| ${noise.name} | ${percent(improved)} | ${percent(worse)} |`);
  if (improved > bounds.falseImproved || worse > bounds.falseWorse) wrong.push(noise.name);
}
console.log('\n| noise | helps by | found | at least |\n| --- | --: | --: | --: |');
for (const { noise: name, effect, least } of bounds.power)
  for (const noise of noises.filter((one) => one.name === name)) {
    const { improved } = ratesOf(noise, windows, { effect, runs });
    console.log(`| ${name} | ${effect} sd | ${percent(improved)} | ${percent(least)} |`);
    if (improved < least) wrong.push(`${name}, ${effect} sd`);
  }
if (wrong.length > 0) {
  console.error(`\nover the bound: ${wrong.join('; ')}`);
  process.exitCode = 1;
}
