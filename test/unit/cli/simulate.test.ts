import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { genops } from './calls.ts';

let directory = '';
const file = (name: string): string => path.join(directory, name);
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'genops-simulate-'));
  const steps = Array.from({ length: 120 }, (_, step) => `${step * 15},${step < 40 ? 12 : 75}`);
  writeFileSync(file('step.csv'), `time,arrivals\n${steps.join('\n')}\n`);
  writeFileSync(
    file('policy.yaml'),
    `apiVersion: genops.dev/v1alpha1
kind: PerformancePolicy
metadata: { name: standard, namespace: ai }
spec:
  horizontal: { minReplicas: 3, maxReplicas: 12 }
  scaler: { algorithm: Lookahead }
`,
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Answer {
  readonly service: object;
  readonly method: string;
  readonly runs: readonly { readonly name: string; readonly overRatio: number; readonly replicaHours: number }[];
}

describe('genops simulate', () => {
  test('sets the scaler of a policy beside others, the same each time', async () => {
    const args = [
      'simulate',
      '--trace',
      file('step.csv'),
      '--policy',
      file('policy.yaml'),
      '--against',
      'hpa,kpa,score',
      '-o',
      'json',
    ];
    const first = await genops(args);
    expect(first).toMatchObject({ code: 0, err: '' });
    const { service, runs } = JSON.parse(first.out) as Answer;
    expect(service).toMatchObject({ slots: 5, objectiveSeconds: 30, minReplicas: 3, maxReplicas: 12 });
    expect(runs.map(({ name }) => name)).toEqual(['lookahead', 'hpa', 'kpa', 'score']);
    const [own, hpa] = runs;
    expect(own?.overRatio).toBeLessThan(hpa?.overRatio ?? 0); // a step that six times the load makes
    expect((await genops(args)).out).toBe(first.out);
  });

  test('follows only how many requests there are where it is told so, and answers much the same', async () => {
    const args = ['simulate', '--trace', file('step.csv'), '--policy', file('policy.yaml'), '-o', 'json'];
    const answer = async (...more: readonly string[]): Promise<Answer> =>
      JSON.parse((await genops([...args, ...more])).out) as Answer;
    const [each, steps] = [await answer(), await answer('--method', 'steps')];
    expect([each.method, steps.method]).toEqual(['requests', 'steps']);
    const [a, b] = [each.runs[0], steps.runs[0]];
    const ratio = (b?.replicaHours ?? 0) / (a?.replicaHours ?? 1);
    expect(ratio).toBeGreaterThan(0.75); // half an hour with one step: chance has its share
    expect(ratio).toBeLessThan(1.25);
  });

  test('writes the decisions of the policy’s scaler, and a picture', async () => {
    const [decisions, picture] = [file('decisions.csv'), file('step.svg')];
    const { code, out } = await genops([
      'simulate',
      '--trace',
      file('step.csv'),
      '--decisions',
      decisions,
      '--picture',
      picture,
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^SCALER +OVER OBJECTIVE +5-MIN WINDOWS MISSED +REPLICA-HOURS +CHANGES +LONGEST QUEUE\nscore +\d+\.\d\d %/,
    );
    const [head, first, ...rest] = readFileSync(decisions, 'utf8').trim().split('\n');
    expect([head, first]).toEqual(['time,replicas', '0,2']);
    expect(rest.length).toBeGreaterThan(0);
    for (const row of rest) expect(row).toMatch(/^\d+(\.\d+)?,([2-9]|1\d|20)$/);
    expect(readFileSync(picture, 'utf8')).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[\s\S]*score: [\s\S]*<\/svg>\n$/,
    );
  });

  test.each([
    { name: 'no trace', args: [], says: 'name the load: genops simulate --trace week.csv' },
    { name: 'a trace that is not there', args: ['--trace', '/none.csv'], says: 'cannot read /none.csv' },
    {
      name: 'an opponent that nobody knows',
      args: ['--trace', 'STEP', '--against', 'keda'],
      says: 'saw --against keda; wanted one of lookahead, score, hpa, kpa',
    },
    {
      name: 'slots that are none',
      args: ['--trace', 'STEP', '--slots', '0'],
      says: 'saw --slots 0; wanted a whole number from 1 on',
    },
    {
      name: 'service times that vary without end',
      args: ['--trace', 'STEP', '--service-cv', 'Infinity'],
      says: 'saw --service-cv Infinity; wanted a number above 0',
    },
    {
      name: 'a time without a unit',
      args: ['--trace', 'STEP', '--service-time', '8'],
      says: '--service-time: saw "8"; wanted a duration',
    },
    {
      name: 'a policy file without a policy',
      args: ['--trace', 'STEP', '--policy', 'STEP'],
      says: 'saw no PerformancePolicy in',
    },
  ])('answers 2 to $name', async ({ args, says }) => {
    const { code, err } = await genops(['simulate', ...args.map((arg) => (arg === 'STEP' ? file('step.csv') : arg))]);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });

  test('ends when nobody wants it any more', async () => {
    const signal = AbortSignal.abort(new Error('interrupted'));
    const { code, err } = await genops(['simulate', '--trace', file('step.csv')], { signal });
    expect(code).toBe(2);
    expect(err).toContain('abort');
  });
});
