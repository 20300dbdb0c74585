import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { genops } from './calls.ts';

let directory = '';
const file = (name: string): string => path.join(directory, name);
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'genops-simulate-'));
  const steps = Array.from({ length: 120 }, (_, step) => `${step * 15},${step < 40 ? 12 : 75}`);
  writeFileSync(file('step.csv'), `time,arrivals\n${steps.join('\n')}\n`);
  writeFileSync(
    file('many.csv'),
    steps
      .slice(0, 30)
      .map((row) => `${row.split(',')[0]},1e12\n`)
      .join(''),
  );
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
    // The HPA is that of the policy without Lookahead, which makes of it a safety net.
    const score = file('score.yaml');
    writeFileSync(score, readFileSync(file('policy.yaml'), 'utf8').replace('Lookahead', 'Score'));
    const besideScore = ['simulate', '--trace', file('step.csv'), '--policy', score, '--against', 'hpa', '-o', 'json'];
    const beside = await genops(besideScore);
    expect((JSON.parse(beside.out) as Answer).runs.find(({ name }) => name === 'hpa')).toEqual(hpa);
  });

  test('takes from the policy what no flag says of the service', async () => {
    const told = file('told.yaml');
    const more = '  runtime: { pools: { ai_api: 7 } }\n';
    const lookahead = '{ algorithm: Lookahead, lookahead: { serviceVariationPercent: 90, startUp: 75s } }';
    const text = readFileSync(file('policy.yaml'), 'utf8').replace('{ algorithm: Lookahead }', lookahead);
    writeFileSync(told, `${text}${more}`);
    const args = ['simulate', '--trace', file('step.csv'), '--policy', told, '-o', 'json'];
    const service = async (...flags: readonly string[]): Promise<object> =>
      (JSON.parse((await genops([...args, ...flags])).out) as Answer).service;
    expect(await service()).toMatchObject({ slots: 7, serviceCv: 0.9, startUpSeconds: 75 });
    const flags = ['--slots', '6', '--service-cv', '0.5', '--start-up', '20s'];
    expect(await service(...flags)).toMatchObject({ slots: 6, serviceCv: 0.5, startUpSeconds: 20 });
  });

  test('follows only how many requests there are where it is told so, and answers much the same', async () => {
    const args = ['simulate', '--trace', file('step.csv'), '--policy', file('policy.yaml'), '-o', 'json'];
    const answer = async (...more: readonly string[]): Promise<Answer> =>
      JSON.parse((await genops([...args, ...more])).out) as Answer;
    const [each, steps] = [await answer(), await answer('--method', 'steps')];
    expect([each.method, steps.method]).toEqual(['requests', 'steps']);
    const [a, b] = [each.runs[0], steps.runs[0]];
    const [, oracle] = (await answer('--method', 'steps', '--against', 'oracle')).runs;
    expect(oracle?.name).toBe('oracle');
    expect(oracle?.replicaHours).toBeLessThan(b?.replicaHours ?? 0);
    expect(oracle?.overRatio).toBeLessThanOrEqual(0.01);
    const ratio = (b?.replicaHours ?? 0) / (a?.replicaHours ?? 1);
    expect(ratio).toBeGreaterThan(0.75); // half an hour with one step: chance has its share
    expect(ratio).toBeLessThan(1.25);
  });

  const rows = (arrivals: number): string => Array.from({ length: 40 }, (_, n) => `${15 * n},${arrivals}\n`).join('');
  test.each([
    {
      name: 'load that no number of replicas within the bounds can bear (800 / 15 × 8 s = 427 of 20 × 5 slots)',
      csv: `time,arrivals\n${rows(800)}`,
      says: 'the load asks for 4.27 × what maxReplicas 20 can do: 53.3 requests/s on average, 8 s of work each, keep 427 slots busy, and 20 × 5 are there. No autoscaler does more: raise horizontal.maxReplicas (86 at least), or see whether --service-time and --slots are those of the service\n',
    },
    {
      name: 'load for just what there is (187.5 / 15 × 8 s = 100 of 20 × 5 slots)',
      csv: rows(187.5),
      says: 'the load asks for 1 × what maxReplicas 20 can do: 12.5 requests/s on average, 8 s of work each, keep 100 slots busy, and 20 × 5 are there. No autoscaler does more: raise horizontal.maxReplicas (21 at least), or see whether --service-time and --slots are those of the service\n',
    },
    { name: 'nothing of load that fits', csv: rows(180), says: '' },
    { name: 'load of no requests', csv: rows(0), says: 'the load has no requests: the figures say nothing\n' },
    {
      name: 'load with too few requests to judge a window (19 in each 300 s)',
      csv: rows(0.95),
      says: 'the load has 38 requests in 0.167 h, and no 5 minutes with 20 of them: none is judged, so no window counts as missed\n',
    },
    { name: 'nothing of load with just enough (21 in each 300 s)', csv: rows(1.05), says: '' },
  ])('says $name', async ({ csv, says }) => {
    writeFileSync(file('remark.csv'), csv);
    const answer = await genops(['simulate', '--trace', file('remark.csv'), '--method', 'steps', '-o', 'json']);
    expect([answer.code, answer.err]).toEqual([0, says]);
    expect(JSON.parse(answer.out)).toMatchObject({ runs: [{ name: 'score' }] });
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

  test('says what capacity the objective takes, without any load', async () => {
    const solve = ['simulate', '--solve', '--policy', file('policy.yaml')];
    const { code, out } = await genops(solve);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^20 in flight at p95 < 30 s: 4 replicas \(each has a slot of its own: p95 17.1 s\)\n20 on average, 2.5 requests\/s at random: 5 replicas\nthe tightest layer is runtime.pools.ai_api 5, in each replica\nruntime.pools.cpu 2 is tighter where requests hold one for more than 40 % of the time that they work\nruntime.cpuPool.threads 4 is tighter .* 80 % .*\nnot given: runtime \(not in the policy: these are defaults, which no Pod gets\); postgres.parameters.max_connections \(not in the policy: what replicas share\); the model and the nodes \(in no policy: what they bear\)\n\nREPLICAS +MOST IN FLIGHT +REQUESTS\/S\n3 /,
    );
    expect(out.trim().split('\n').at(-1)).toMatch(/^12 +57 +7\.1[23]$/); // 95 % of 60 slots
    const json: unknown = JSON.parse((await genops([...solve, '-o', 'json'])).out);
    expect(parse((await genops([...solve, '-o', 'yaml'])).out)).toEqual(json);
    expect(json).toMatchObject({
      inFlight: 20,
      solution: { atOnce: 4, onAverage: 5 },
      tightest: { layer: 'runtime.pools.ai_api', atOnce: 5 },
    });
    const slow = await genops([...solve, '--service-time', '25s']);
    expect([slow.code, slow.out]).toEqual([1, expect.stringContaining('no number of replicas')]);
    const few = await genops([...solve, '--slots', '1']);
    expect(few.out).toContain('20 replicas, more than horizontal.maxReplicas 12');
    expect(few.out).toContain('the tightest layer is --slots 1');
  });

  test.each([
    { name: 'no trace', args: [], says: 'name the load: genops simulate --trace week.csv' },
    { name: 'a trace that is not there', args: ['--trace', '/none.csv'], says: 'cannot read /none.csv' },
    {
      name: 'decisions that go nowhere',
      args: ['--trace', 'STEP', '--decisions', '/none/d.csv'],
      says: 'cannot write /none/d.csv: ENOENT',
    },
    {
      name: 'a picture that goes nowhere',
      args: ['--trace', 'STEP', '--picture', '/none/d.svg'],
      says: 'cannot write /none/d.svg: ENOENT',
    },
    {
      name: 'load where only capacity is asked for',
      args: ['--solve', '--trace', 'STEP'],
      says: 'saw --solve with --trace; wanted one of them: --solve takes no load',
    },
    {
      name: 'opponents where only capacity is asked for',
      args: ['--solve', '--against', 'hpa'],
      says: 'saw --solve with --against; wanted one of them: --solve takes no load',
    },
    {
      name: 'more single requests than memory holds',
      args: ['--trace', 'MANY', '--method', 'requests'],
      says: 'saw 30000000000000 requests with --method requests; wanted 100000000 at most, or --method steps',
    },
    {
      name: 'a port to which Node’s fetch does not go',
      args: ['--prometheus', 'http://127.0.0.1:1', '--query', 'up'],
      says: 'cannot reach http://127.0.0.1:1: bad port: Node’s fetch refuses this port, as browsers do; wanted Prometheus on another one, for example kubectl port-forward -n monitoring svc/prometheus 9090, and --prometheus http://127.0.0.1:9090',
    },
    ...['prometheus:9090', 'ftp://prometheus', 'http://'].map((url) => ({
      name: `what is no address of a Prometheus: ${url}`,
      args: ['--prometheus', url, '--query', 'up'],
      says: `saw --prometheus ${url}; wanted its URL, for example http://127.0.0.1:9090`,
    })),
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
    const files = { STEP: file('step.csv'), MANY: file('many.csv') };
    const { code, err } = await genops(['simulate', ...args.map((arg) => files[arg as keyof typeof files] ?? arg)]);
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
