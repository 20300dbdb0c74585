import { expect, test } from '@jest/globals';
import { queryFor } from '../../../../operator/metrics/sources/promql.ts';
import { feedsOf, type SignalMapping } from '../../../../operator/metrics/signals.ts';

const partsOf = (mappings: readonly SignalMapping[], only: SignalMapping['name']): readonly string[] =>
  queryFor(feedsOf(mappings), ['ai'], ({ signal }) => signal === only)
    .split(/ or (?=label_replace)/)
    .map((part) => part.replace(/, "genops", .*$/, ''));

test('a gauge is summed by Pod, a counter is a rate with or without _total, a histogram its three parts', () => {
  expect(partsOf([], 'queueLength')).toEqual([
    'label_replace(sum by (namespace, pod) ({__name__="generation_queue_length",namespace="ai"})',
  ]);
  expect(partsOf([], 'cpu')).toEqual([
    'label_replace(sum by (namespace, pod) (rate({__name__=~"process_cpu_seconds(_total)?",namespace="ai"}[1m]))',
  ]);
  expect(
    partsOf([{ name: 'workflowDuration', metric: 'job_seconds', matchLabels: { kind: 'x' } }], 'workflowDuration'),
  ).toEqual([
    'label_replace(sum by (namespace, pod, le) (rate({__name__="job_seconds_bucket",kind="x",namespace="ai"}[1m]))',
    'label_replace(sum by (namespace, pod) (rate({__name__="job_seconds_sum",kind="x",namespace="ai"}[1m]))',
    'label_replace(sum by (namespace, pod) (rate({__name__="job_seconds_count",kind="x",namespace="ai"}[1m]))',
  ]);
});

test('several namespaces are asked for together', () => {
  const all = queryFor(feedsOf([]), ['ai', 'shop-2'], ({ signal }) => signal === 'queueLength');
  expect(all).toContain('{__name__="generation_queue_length",namespace=~"ai|shop-2"}');
});

test('errors are those of any of the labels, each series once', () => {
  const [ours] = partsOf([], 'errors');
  expect(ours).toContain('http_response_status_code=~"5.*",namespace="ai"}[1m]) or rate({');
});

test('a name or a label’s value is a text, whatever stands in it', () => {
  const [odd] = partsOf([{ name: 'memory', metric: 'a"} or b', matchLabels: { x: '\\"' } }], 'memory');
  expect(odd).toContain('{__name__="a\\"} or b",x="\\\\\\"",namespace="ai"}');
});

test('a mapping to a member of a JSON view is none of a name: the metric of the contract is read', () => {
  expect(partsOf([{ name: 'queueLength', metric: '/metrics/waiting' }], 'queueLength')).toEqual(
    partsOf([], 'queueLength'),
  );
});
