import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { scoreFloor } from '../../../operator/decide/asked-floor.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { decideLookahead } from '../../../operator/decide/lookahead/decide.ts';
import { createLookaheadMemory } from '../../../operator/decide/lookahead/memory.ts';
import { stoodOn } from '../../../operator/decide/lookahead/record.ts';
import { scoreRules } from '../../../operator/decide/score.ts';
import { Problem } from '../../../operator/api/problem.ts';
import { bundleHead, plainObservations, readBundle, readOf, redacted, replayed } from '../../../operator/cli/bundle.ts';
import { planJson } from '../../../operator/cli/diff.ts';
import { unseenText } from '../../../operator/cli/report.ts';
import { planners } from '../../../operator/levers/registry.ts';
import { planAll, type AnyLever, type Observation } from '../../../operator/levers/run.ts';
import { storedService } from '../../world/builders.ts';
import { settings } from '../decide/lookahead/settings.ts';
import { genops } from './calls.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const offline = (): never => {
  throw new Error('only plans');
};
const lever = (name: string): AnyLever => {
  const planner = planners.find((one) => one.name === name);
  if (planner === undefined) throw new Error(name);
  return { ...planner, units: offline, observe: offline, apply: offline };
};
const unreachable: Observation = {
  lever: lever('redis'),
  unit: { name: 'cache', mode: 'Enforce' },
  seen: {
    kind: 'problem',
    problem: new Problem('Unreachable', { saw: 'no answer', wanted: 'one', next: 'look at it' }),
  },
};
const off: Observation = {
  lever: lever('horizontal'),
  unit: { name: 'workflow', mode: 'Off' },
  seen: { kind: 'seen', value: { values: new Map([['maxmemory', { value: '1' }]]), only: new Set(['port']) } },
};
const observations = [unreachable, off];
const bundle = { ...bundleHead('0.1.0', now), memory: {}, observations: plainObservations(observations) };

describe.each([
  { form: 'JSON', write: (value: unknown) => JSON.stringify(value) },
  { form: 'YAML', write: (value: unknown) => stringify(value) },
])('a bundle as $form', ({ write }) => {
  test('gives the plans that the observations give', () => {
    const plans = planAll(observations, { memory: {}, now, verb: 'plan' });
    expect(replayed(readBundle(write(bundle), 'b')).map(planJson)).toEqual(plans.map(planJson));
  });

  test('is plain data that says maps, sets and problems', () => {
    expect(readBundle(write(bundle), 'b').observations).toMatchObject([
      { lever: 'redis', seen: { problem: { $problem: { reason: 'Unreachable', saw: 'no answer' } } } },
      { seen: { value: { values: { $map: [['maxmemory', { value: '1' }]] }, only: { $set: ['port'] } } } },
    ]);
  });
});

test.each([
  { name: 'no YAML', text: '{', says: /^saw no genops.dev\/report\/v1 in b; wanted a file of genops report$/ },
  {
    name: 'another document',
    text: 'kind: Pod',
    says: /saw no genops.dev\/report\/v1 in b; wanted a file of genops report/,
  },
  { name: 'nothing', text: '', says: /saw no genops.dev\/report\/v1/ },
  {
    name: 'one that breaks off',
    text: 'format: genops.dev/report/v1\ngenops: 0.1.0\ntakenAt: "2026-01-01T0',
    says: /^saw b begin as genops.dev\/report\/v1, and no observations and memory that can be read; wanted the whole file of genops report$/,
  },
  {
    name: 'one that breaks off after its first lines',
    text: '{ "format": "genops.dev/report/v1" }',
    says: /^saw b begin as genops.dev\/report\/v1, and no observations/,
  },
])('refuses $name', ({ text, says }) => {
  expect(() => readBundle(text, 'b')).toThrow(says);
});

test('refuses what YAML warns of without a word beside its own', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
  expect(() => readBundle('%FOO bar\n---\nkind: !unknown Pod\n', 'b')).toThrow('saw no genops.dev');
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test('refuses a lever that this version does not have', () => {
  const other = { ...bundle, observations: [{ lever: 'frobnicator', unit: {}, seen: { kind: 'seen' } }] };
  expect(() => replayed(other)).toThrow('saw lever frobnicator; wanted one of horizontal, vertical');
});

describe('nothing of a Secret is left', () => {
  const secret = {
    host: '10.0.0.7',
    port: '6379',
    username: 'tuner',
    password: 'hunter2!',
    uri: 'redis://x',
    dbname: 'shop',
    sslmode: 'disable',
    'tls.key': 'KEY',
    shards: '0',
  };
  test.each([
    { name: 'a host as a word', text: 'no answer from 10.0.0.7:6379', left: 'no answer from (host of a Secret):6379' },
    { name: 'no part of a longer one', text: 'from 110.0.0.70', left: 'from 110.0.0.70' },
    { name: 'a user', text: 'user tuner may not', left: 'user (username of a Secret) may not' },
    { name: 'a database as a word', text: 'shop: shopping', left: '(dbname of a Secret): shopping' },
    { name: 'a key, wherever it stands', text: 'saw KEY', left: 'saw (tls.key of a Secret)' },
    { name: 'nothing for what is read from no address', text: '1024000', left: '1024000' },
    { name: 'nothing for its sslmode', text: 'disable', left: 'disable' },
    { name: 'a password, wherever it stands', text: 'xhunter2!x', left: 'x(password of a Secret)x' },
  ])('$name', ({ text, left }) => {
    expect(redacted({ a: [{ b: text }], n: 1, none: null }, [readOf(secret, 'postgres')])).toEqual({
      a: [{ b: left }],
      n: 1,
      none: null,
    });
  });

  test('but what no address is read from stays: a database 0 is in no address of a Redis, and in many a figure', () => {
    const redis = readOf({ ...secret, database: '0' }, 'redis');
    expect(redacted('0 of 1024000', [redis])).toBe('0 of 1024000');
  });
});

test('a next step from which a name was struck is none, and gives way to one that can be taken', () => {
  const problem = (next: string) => ({
    seen: { $problem: { reason: 'Unreachable', saw: 'no host db', wanted: 'one', next } },
  });
  expect(redacted([problem('kubectl port-forward svc/db 6379'), problem('wait')], [{ host: 'db' }])).toEqual([
    {
      seen: {
        $problem: {
          reason: 'Unreachable',
          saw: 'no host (host of a Secret)',
          wanted: 'one',
          next: expect.stringMatching(/^genops diff beside the cluster /),
        },
      },
    },
    { seen: { $problem: { reason: 'Unreachable', saw: 'no host (host of a Secret)', wanted: 'one', next: 'wait' } } },
  ]);
});

describe('genops report says of what there are no figures in a bundle', () => {
  const plans = (reason: 'Unreachable' | 'SecretNotFound') =>
    planAll(
      [
        {
          ...unreachable,
          seen: { kind: 'problem', problem: new Problem(reason, { saw: 'no host', wanted: 'one', next: 'look' }) },
        },
        off,
      ],
      { memory: {}, now, verb: 'plan' },
    );
  const service = storedService();
  const exec =
    'kubectl exec -n genops-system deploy/genops -- node /app/genops.mjs report generation -n ai > bundle.yaml';
  test.each([
    { name: 'and sends to the operator’s Pod', reason: 'Unreachable', inPod: false, next: exec },
    { name: 'and from there nowhere else', reason: 'Unreachable', inPod: true, next: 'look' },
    {
      name: 'and where the Pod sees no more, the next step itself',
      reason: 'SecretNotFound',
      inPod: false,
      next: 'look',
    },
  ] as const)('$name', ({ reason, inPod, next }) => {
    expect(unseenText(service, plans(reason), inPod)).toBe(
      `ai/generation: redis/cache: saw no host; wanted one; next: ${next}\n`,
    );
  });
  test('and nothing where all was seen', () => {
    expect(unseenText(service, planAll([off], { memory: {}, now, verb: 'plan' }), false)).toBe('');
  });
});

describe('genops replay', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'genops-bundle-'));
  });
  afterAll(() => rm(directory, { recursive: true }));
  const written = async (plans: unknown): Promise<string> => {
    const file = path.join(directory, 'bundle.yaml');
    await writeFile(file, stringify({ ...bundle, plans }));
    return file;
  };

  test('is 0 where the plans are those of the bundle', async () => {
    const plans = JSON.parse(JSON.stringify(replayed(bundle).map(planJson))) as unknown;
    const answer = await genops(['replay', await written(plans)]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toMatch(/^redis\/cache: saw no answer; wanted one; next: look at it\nhorizontal\/workflow: /);
    const json = await genops(['replay', await written(plans), '-o', 'json']);
    expect(JSON.parse(json.out)).toEqual({ plans, decisions: [], lost: [] });
  });

  const rules = scoreRules(effectivePolicy({}).policy.scaler);
  const seen = { responseTimeAverage: 1.2, cpuPercent: 85, memoryPercent: 50, queueLength: 10, errorRatio: 0 };
  const { asked } = scoreFloor({
    rules,
    minReplicas: 2,
    maxReplicas: 20,
    seen: { ...seen, requestRatePerPod: 'idle' },
    inForce: 6,
    memory: { floor: 4, lastScaledAt: now - 400_000 },
    observedAt: () => now,
    now,
  });
  const decision = { component: 'workflow', time: '2026-01-01T00:00:00Z', score: asked.madeFrom.score };
  const decided = async (...newestDecisions: readonly unknown[]): Promise<string> => {
    const file = path.join(directory, 'decided.yaml');
    await writeFile(file, stringify({ ...bundle, decisions: { decisions: [decision], newestDecisions } }));
    return file;
  };

  test('asks Score once more with what each decision was made from: the same comes of it, and a decision that is told twice is one', async () => {
    const answer = await genops(['replay', await decided(decision, { component: 'cache', score: null })]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    const lines = answer.out.split('\n').filter((line) => line.startsWith('scaler/'));
    expect(lines).toEqual(['scaler/workflow: at 2026-01-01T00:00:00Z Score asks for 8 (PressureHigh), as then']);
  });

  test('is 1 where another version asked for another floor, and says both', async () => {
    const other = { ...decision, time: '2026-01-01T00:00:15Z', score: { ...asked.madeFrom.score, floor: 7 } };
    const answer = await genops(['replay', await decided(other)]);
    expect(answer).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^genops 0.1.0 scaled otherwise: see decisions/),
    });
    expect(answer.out).toContain('Score asks for 8 (PressureHigh); it was 7 (PressureHigh)\n');
  });

  const { input } = asked.madeFrom.score;
  const byRules = (changes: object) => ({
    ...asked.madeFrom.score,
    input: { ...input, rules: { ...rules, ...changes } },
  });
  test('asks Score once more by rules with a fallback', async () => {
    const score = byRules({ fallback: { replicas: 6, afterMs: 60_000 } });
    const answer = await genops(['replay', await decided({ ...decision, time: '2026-01-01T00:00:15Z', score })]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toContain('at 2026-01-01T00:00:15Z Score asks for 8 (PressureHigh), as then\n');
  });

  test.each([
    { name: 'without what it was made from', score: { floor: 8, reason: 'PressureHigh' } },
    { name: 'without its rules', score: { ...asked.madeFrom.score, input: { ...input, rules: undefined } } },
    { name: 'with rules of nothing', score: { ...asked.madeFrom.score, input: { ...input, rules: {} } } },
    { name: 'with signals of nothing', score: byRules({ scaleUp: { ...rules.scaleUp, signals: [{}] } }) },
    { name: 'with a fallback of nothing', score: byRules({ fallback: {} }) },
    { name: 'with a fallback of no time', score: byRules({ fallback: { replicas: 6 } }) },
    { name: 'without its answer', score: { input } },
  ])('is 2 for a decision of Score $name, and asks for none', async ({ score }) => {
    const answer = await genops(['replay', await decided({ ...decision, time: '2026-01-01T00:00:15Z', score })]);
    expect(answer).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^genops replay: saw a decision of Score for workflow at 2026-01-01T00:00:15Z without what it was made from; wanted decisions as genops report of this version writes them$/m,
      ),
    });
  });

  const memory = createLookaheadMemory(settings);
  const sample = { arrived: 25, finished: 20, busySeconds: 160, waiting: 5, ready: 4, asked: 4, startUpSeconds: 30 };
  const stood = { settings, sample, memory: stoodOn(memory, sample, settings), isStartUpDeclared: false };
  const { to: floor, reason, wanted } = decideLookahead(memory, sample, settings);
  const ahead = {
    component: 'workflow',
    time: '2026-01-01T00:00:30Z',
    score: null,
    lookahead: { input: stood, floor, reason, wanted },
  };

  test('asks Lookahead once more with what it had learned by then', async () => {
    const answer = await genops(['replay', await decided(ahead)]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toContain('scaler/workflow: at 2026-01-01T00:00:30Z Lookahead asks for 7 (LoadHigh), as then\n');
    const otherwise = { ...ahead, lookahead: { ...ahead.lookahead, floor: 8 } };
    expect(await genops(['replay', await decided(otherwise)])).toMatchObject({
      code: 1,
      out: expect.stringContaining('Lookahead asks for 7 (LoadHigh); it was 8 (LoadHigh)\n'),
    });
  });

  test.each([
    { name: 'without memory', cut: { memory: undefined } },
    { name: 'with a memory of nothing', cut: { memory: {} } },
    { name: 'with experts of nothing', cut: { memory: { ...stood.memory, experts: {} } } },
    { name: 'with a word for a figure', cut: { memory: { ...stood.memory, needs: ['much'] } } },
    { name: 'with a cycle of nothing', cut: { memory: { ...stood.memory, cycle: {} } } },
    { name: 'with settings of nothing', cut: { settings: {} } },
    { name: 'with a sample of nothing', cut: { sample: {} } },
  ])('is 2 for a decision of Lookahead $name', async ({ cut }) => {
    const one = { ...ahead, lookahead: { ...ahead.lookahead, input: { ...stood, ...cut } } };
    expect(await genops(['replay', await decided(one)])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/saw a decision of Lookahead for workflow at \S+ without what it was made from/),
    });
  });

  test.each([
    { name: 'of a process that is gone', one: { terms: null }, why: 'the process that decided it is gone' },
    { name: 'for which figures were missing', one: { terms: [], heldBy: 'MetricsStale' }, why: 'figures were missing' },
    { name: 'of an older version', one: { terms: [{ name: 'demand' }] }, why: 'the version that decided it did not' },
  ])('says that a decision $name is not known', async ({ one, why }) => {
    const lost = { ...ahead, lookahead: null, ...one };
    const answer = await genops(['replay', await decided(lost)]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toContain(`\nscaler/workflow: at 2026-01-01T00:00:30Z not known: ${why}`);
  });

  describe('by another policy', () => {
    const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' };
    const service = storedService({ spec: { components: [{ name: 'workflow', targetRef }] } });
    const by = async (spec: object, one: object, about: object = { service }) => {
      const file = path.join(directory, 'under.yaml');
      await writeFile(file, stringify({ ...bundle, ...about, decisions: { decisions: [], newestDecisions: [one] } }));
      const policy = path.join(directory, 'policy.yaml');
      const head = { apiVersion: 'genops.dev/v1alpha1', kind: 'PerformancePolicy', metadata: { name: 'other' } };
      await writeFile(policy, stringify({ ...head, spec }));
      return genops(['replay', file, '--policy', policy]);
    };
    const lookahead = { algorithm: 'Lookahead' };
    test.each([
      { name: 'fewer at most', spec: { horizontal: { maxReplicas: 5 } }, says: '5 (LoadHigh); it was 7 (LoadHigh)' },
      { name: 'more slots', spec: { runtime: { pools: { ai_api: 10 } } }, says: '4 (Steady); it was 7 (LoadHigh)' },
    ])('says what Lookahead would have asked for: $name', async ({ spec, says }) => {
      const answer = await by({ scaler: lookahead, ...spec }, ahead);
      expect(answer).toMatchObject({ code: 1, err: '' });
      expect(answer.out).toContain(`at 2026-01-01T00:00:30Z Lookahead asks for ${says}\nnot known: what would have`);
      expect(answer.out).not.toContain('redis/cache');
    });

    test('says what Score would have asked for', async () => {
      const answer = await by({ scaler: { scaleUp: { step: 5 } } }, decision);
      expect(answer).toMatchObject({ code: 1, err: '' });
      expect(answer.out).toContain('Score asks for 11 (PressureHigh); it was 8 (PressureHigh)\n');
    });

    // Of an hour the 20 minutes that a start of 30 s needs; a start of ten looks back over 51.
    const kept = Array<number>(120).fill(1);
    const hour = { ...stood.memory, window: 360, demands: kept, needs: kept, wants: kept };
    const long = { ...ahead, lookahead: { ...ahead.lookahead, input: { ...stood, memory: hour } } };
    const slow = { ...lookahead, lookahead: { startUp: '600s', horizon: '900s' } };
    const declared = { ...ahead, lookahead: { ...ahead.lookahead, input: { ...stood, isStartUpDeclared: true } } };
    test.each([
      { name: 'the other algorithm', spec: {}, one: ahead, why: 'Lookahead decided it, and what Score decides by' },
      { name: 'Pods that were not asked', spec: { scaler: lookahead }, one: declared, why: 'scaler.lookahead.startUp' },
      { name: 'no such component', spec: {}, one: { ...ahead, component: 'x' }, why: 'the service of the bundle' },
      { name: 'more than was kept', spec: { scaler: slow }, one: long, why: 'by a longer start-up, horizon or' },
    ])('is 2 and says why where that cannot be told: $name', async ({ spec, one, why }) => {
      const answer = await by(spec, one);
      expect(answer).toMatchObject({ code: 2, err: expect.stringMatching(/saw none that can be made once more/) });
      expect(answer.out).toMatch(new RegExp(`^scaler/\\w+: at \\S+ not known: ${why}.*\\n$`));
    });

    test('is 2 where there is no service or no policy', async () => {
      expect(await by({}, ahead, {})).toMatchObject({ code: 2, err: expect.stringMatching(/without its service/) });
      const file = await decided(ahead);
      expect(await genops(['replay', file, '--policy', file])).toMatchObject({
        code: 2,
        err: expect.stringMatching(/saw no PerformancePolicy in /),
      });
    });
  });

  test('is 1 where another version planned otherwise', async () => {
    const file = await written([]);
    expect(await genops(['replay', file])).toMatchObject({
      code: 1,
      err: `genops 0.1.0 planned otherwise: see plans in ${file}\n`,
    });
  });

  test.each([
    { args: [], says: /^genops replay: wanted one file: genops replay bundle.yaml/ },
    { args: ['/nowhere'], says: /^genops replay: cannot read \/nowhere: ENOENT/ },
  ])('is 2 for $args', async ({ args, says }) => {
    const answer = await genops(['replay', ...args]);
    expect(answer).toMatchObject({ code: 2, out: '', err: expect.stringMatching(says) });
  });
});
