import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { whyNone, workloadLook, workloadUrl, type Views } from '../../../operator/cli/workload-looks.ts';
import { genops } from './calls.ts';

const policy = effectivePolicy({}).policy.objectives;
const look = (views: Views) => workloadLook('http://w', views, { policy, now: Date.parse('2026-01-01') });
const good = {
  workflow_execution_time: 12.1,
  memory_usage_mb: 512,
  success_rate: 0.99,
  cache_hit_ratio: 0.8,
};
const states = (views: Views) => Object.fromEntries(look(views).objectives.map(({ name, state }) => [name, state]));

describe('a workload by its own views', () => {
  test('is judged by the four figures of the guide, in their units', () => {
    const { objectives, remarks } = look({ monitoring: { metrics: good }, cache: { statistics: { hit_ratio: 0.75 } } });
    expect(objectives).toMatchObject([
      { name: 'WorkflowDuration', state: 'Met', measured: '12.1s', target: '30s' },
      { name: 'Memory', state: 'Met', measured: '512Mi', target: '2048Mi' },
      { name: 'CacheHitRatio', state: 'Met', measured: '0.75' },
      { name: 'SuccessRatio', state: 'Met', measured: '0.99' },
    ]);
    expect(remarks).toEqual(['not judged, for the views say nothing of it: concurrentWorkflows, cachedResponseTime']);
  });

  interface Row {
    readonly name: string;
    readonly metrics: object;
    readonly statistics?: object | null;
    readonly expected: object;
  }
  test.each<Row>([
    {
      name: 'a figure that is null or not there is unknown',
      metrics: { ...good, workflow_execution_time: null, success_rate: undefined },
      expected: { WorkflowDuration: 'Unknown', SuccessRatio: 'Unknown', Memory: 'Met' },
    },
    {
      name: 'a figure beyond its target is missed',
      metrics: { ...good, workflow_execution_time: 31, memory_usage_mb: 2049, success_rate: 0.94 },
      expected: { WorkflowDuration: 'NotMet', SuccessRatio: 'NotMet', Memory: 'NotMet' },
    },
    {
      name: 'without a view of the cache the other one’s ratio counts',
      metrics: { ...good, cache_hit_ratio: 0.5 },
      expected: { CacheHitRatio: 'NotMet' },
    },
    {
      name: 'a view that tells of both ratios is judged by the one of the policy, known or not',
      metrics: good,
      statistics: { hit_ratio: 0.9, redis_hit_ratio: null, workload_hit_ratio: 0.9 },
      expected: { CacheHitRatio: 'Unknown' },
    },
    {
      name: 'errors stand for success where that is not told',
      metrics: { ...good, success_rate: null, error_rate: 0.5 },
      expected: { SuccessRatio: 'NotMet' },
    },
    {
      name: 'workflows in flight below the load that is asked for are not exercised',
      metrics: { ...good, workflows_in_flight: 3 },
      expected: { ConcurrentWorkflows: 'NotExercised' },
    },
  ])('$name', ({ metrics, statistics = null, expected }) => {
    expect(states({ monitoring: { metrics }, cache: { statistics } })).toMatchObject(expected);
  });

  test.each([
    {
      monitoring: { metrics: { ...good, memory_usage_mb: 'much' } },
      says: /^in the views of http:\/\/w \/metrics\/memory_usage_mb is no number; wanted numbers from 0/,
    },
    { monitoring: { metrics: { ...good, memory_usage_mb: -1 } }, says: /memory_usage_mb is -1; wanted/ },
    {
      monitoring: { metrics: { ...good, success_rate: 99 } },
      says: /the share \/metrics\/success_rate is 99, not from 0 to 1; wanted/,
    },
    { monitoring: [], says: /saw no object metrics in http:\/\/w\/api\/monitoring\/metrics/ },
    { monitoring: undefined, says: /saw no object metrics/ },
  ])('what is none of the guide’s is refused: $says', ({ monitoring, says }) => {
    expect(() => look({ monitoring, cache: undefined })).toThrow(says);
  });
});

test.each([
  { text: 'http://10.1.2.3:8080', url: 'http://10.1.2.3:8080' },
  { text: 'http://10.1.2.3:8080/', url: 'http://10.1.2.3:8080' },
  { text: 'https://w/behind//', url: 'https://w/behind' },
])('the paths of views go behind $text with one slash', ({ text, url }) => {
  expect(workloadUrl(text)).toBe(url);
});

test.each([
  {
    name: 'a time-out',
    error: new DOMException('The operation was aborted', 'TimeoutError'),
    why: 'no answer within 10 s',
  },
  { name: 'nobody there', error: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), why: 'ECONNREFUSED' },
  { name: 'no JSON', error: new SyntaxError('Unexpected token'), why: 'Unexpected token' },
])('why there is no view is said in words: $name', ({ error, why }) => {
  expect(whyNone(error)).toBe(why);
});

describe('what is wrong with a call of genops validate is one line, and 2', () => {
  test.each([
    ['validate', 'saw no name; wanted one name: genops validate generation -n ai'],
    ['validate a --url http://w/', 'saw a and --url; wanted one of them'],
    ['validate a --policy p.yaml', 'saw --policy without --url; wanted a service alone: it names its own policy'],
    ['validate --url w', 'saw --url w; wanted where the views are, for example http://10.1.2.3:8080/'],
    [
      'validate --url file:///etc/passwd',
      'saw --url file:///etc/passwd; wanted where the views are, for example http://10.1.2.3:8080/',
    ],
    ['validate a --wait soon', '--wait: saw "soon"; wanted a duration in h, m, s or ms, for example 300s or 1h30m'],
    ['validate a -o xml', 'saw --output xml; wanted one of text, json, yaml'],
    [
      'validate --url http://w/ --policy config/samples/none.yaml',
      "cannot read config/samples/none.yaml: ENOENT: no such file or directory, open 'config/samples/none.yaml'",
    ],
  ])('genops %s', async (call, err) => {
    expect(await genops(call.split(' '))).toEqual({ code: 2, out: '', err: `genops validate: ${err}\n` });
  });
});
