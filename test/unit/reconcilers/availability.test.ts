import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { choiceOf } from '../../../operator/metrics/sources/choice.ts';
import { failed, type Source } from '../../../operator/metrics/sources/source.ts';
import { statesOf, type Assessment } from '../../../operator/reconcilers/assess.ts';
import {
  after,
  conditionOf,
  componentOf,
  full,
  idle,
  intervalMs,
  memory,
  pod,
  start,
  type Row,
} from './measured-service.ts';

beforeEach(() => void jest.useFakeTimers({ now: start }));
afterEach(() => void jest.useRealTimers());

const rarely: GenerationServiceSpec['overrides'] = {
  collector: { interval: '30s' },
  objectives: { window: '1m' },
  optimizer: { baseline: '2m' },
};

describe('MetricsAvailable', () => {
  test.each<Row>([
    {
      name: 'without a Pod there are none',
      given: {},
      looks: 3,
      condition: { status: 'False', reason: 'NoPods', message: expect.stringContaining('of component workflow') },
    },
    {
      name: 'one that was scaled to 0 has none, and stays there until somebody scales it up',
      given: { replicas: 0 },
      looks: 3,
      condition: {
        status: 'False',
        reason: 'NoPods',
        message: expect.stringMatching(/^saw 0 replicas in the target of component workflow; .* HPA rests at 0 until/),
      },
    },
    {
      name: 'a Pod that is not Ready is none',
      given: { pods: [pod('a', { ready: false })] },
      looks: 3,
      condition: { status: 'False', reason: 'NoPods' },
    },
    {
      name: 'a Pod of somebody else is none',
      given: { pods: [pod('a', { labels: { app: 'other' } })] },
      looks: 3,
      condition: { status: 'False', reason: 'NoPods' },
    },
    {
      name: 'before the first look nothing is known',
      given: { pods: [pod('a')] },
      looks: 0,
      condition: { status: 'Unknown', reason: 'Pending' },
    },
    {
      name: 'after one look there is no rate yet',
      given: { pods: [pod('a')] },
      looks: 1,
      condition: { status: 'Unknown', reason: 'Pending' },
    },
    {
      name: 'after two there is',
      given: { pods: [pod('a')] },
      looks: 2,
      condition: { status: 'True', reason: 'Fresh' },
    },
    {
      name: 'a Pod that does not answer is named with its failure',
      given: { pods: [pod('a')], page: new Error('Pod a: connection refused') },
      looks: 1,
      condition: {
        status: 'False',
        reason: 'SourceUnreachable',
        message: expect.stringContaining('saw Pod a: connection refused (component workflow); wanted'),
      },
    },
    {
      name: 'an exposition without requests may still get them at the second row',
      given: { pods: [pod('a')], page: memory },
      looks: 2,
      condition: { status: 'Unknown', reason: 'Pending' },
    },
    {
      name: 'and is told after some more',
      given: { pods: [pod('a')], page: memory },
      looks: 4,
      condition: { status: 'False', reason: 'SignalMissing', message: expect.stringContaining('no requestRate') },
    },
    {
      name: 'a counter that is NaN is no 0: what it is, and what to do, is told',
      given: { pods: [pod('a')], page: (seconds) => full(seconds).replace(/(_count) .*/, '$1 NaN') },
      looks: 4,
      condition: {
        status: 'False',
        reason: 'SignalMissing',
        message:
          'saw http_server_request_duration_seconds_count is NaN in the Prometheus exposition of each Pod of component workflow; wanted a number from 0; next: correct what counts it in the workload, or the query that asks for it: its load is unknown until then, and nothing is scaled down',
      },
    },
    {
      name: 'a gauge that is negative is told beside a load that is known',
      given: { pods: [pod('a')], page: (seconds) => `${full(seconds)}generation_queue_length -3\n` },
      looks: 3,
      condition: {
        status: 'True',
        reason: 'Fresh',
        message:
          'Not all that is read of the Pods is a figure (generation_queue_length is negative): what stands on it is unknown, the rest is fresh. Next: serve numbers from 0 there, each line a sample, or ask a Prometheus for such.',
      },
    },
    {
      name: 'also with a window that holds no three looks: 1 min of 30 s each',
      given: { pods: [pod('a')], page: memory, spec: { overrides: rarely } },
      looks: 12,
      condition: { status: 'False', reason: 'SignalMissing' },
    },
    {
      name: 'of two components the one with a problem is told',
      given: { pods: [pod('a')], spec: { components: [componentOf('workflow'), componentOf('render')] } },
      looks: 3,
      condition: { status: 'False', reason: 'NoPods', message: expect.stringContaining('of component render') },
    },
    {
      name: 'a target that is not there has no Pods, however fresh the others are',
      given: {
        pods: [pod('a')],
        spec: { components: [componentOf('workflow'), componentOf('render')] },
        missing: ['render'],
      },
      looks: 3,
      condition: { status: 'False', reason: 'NoPods', message: expect.stringMatching(/no target of component render/) },
    },
  ])('$name', async ({ given, looks, condition }) => {
    using world = await after(looks, given);
    expect(conditionOf(world.assess(), 'MetricsAvailable')).toMatchObject(condition);
  });

  test('what turns to no figure is unknown within the window of rates, and no objective takes it for idle or for met', async () => {
    const spec = { overrides: { objectives: { window: '1m' } } };
    using world = await after(10, { pods: [pod('a')], page: idle, spec });
    const states = () => Object.fromEntries((world.assess().figures.objectives ?? []).map((one) => [one.name, one.state])); // prettier-ignore
    expect(states()).toMatchObject({ Memory: 'Met', SuccessRatio: 'NotExercised' });
    world.setPage((seconds) => idle(seconds).replace(/(_duration_seconds_count|resident_memory_bytes) .*/g, '$1 NaN'));
    await jest.advanceTimersByTimeAsync(10 * intervalMs);
    expect(conditionOf(world.assess(), 'MetricsAvailable')).toMatchObject({ reason: 'SignalMissing' });
    expect(states()).toMatchObject({ Memory: 'Unknown', SuccessRatio: 'Unknown', WorkflowDuration: 'Unknown' });
    expect(world.collector.podRates('ai/generation', 'workflow')).toMatchObject([{ requestsPerSecond: undefined }]);
  });

  const portless: Source = {
    type: 'Pods',
    id: 'portless',
    forget: () => undefined,
    read: () => Promise.resolve(failed('NoPort', 'Pod a has no container port named metrics')),
  };
  const ratherThan = (type: Source['type']) => (pages: Source) =>
    choiceOf({ sources: [portless, { ...pages, type }], intervalMs });
  const sourceOf = (assessment: Assessment) => assessment.components.get('workflow')?.metricsSource;

  test('says which source is read instead of a better one, and what is wrong with that', async () => {
    using world = await after(10, { pods: [pod('a')], source: ratherThan('Prometheus') });
    const assessment = world.assess();
    expect(conditionOf(assessment, 'MetricsAvailable')).toMatchObject({
      status: 'True',
      reason: 'Fresh',
      message:
        'Every needed signal is fresh. Read from Prometheus, since Pods fails (NoPort). Next: check components[].metrics and network policies.',
    });
    expect(sourceOf(assessment)).toBe('Prometheus');
  });
  test('with cpu and memory alone it is the source of load that is missed, and the other that is read', async () => {
    using world = await after(10, { pods: [pod('a')], page: memory, source: ratherThan('Resource') });
    const assessment = world.assess();
    expect(conditionOf(assessment, 'MetricsAvailable')).toMatchObject({
      status: 'False',
      reason: 'SourceUnreachable',
      message: expect.stringMatching(
        /^saw Pod a has no container port named metrics \(component workflow\); wanted the Prometheus exp/,
      ),
    });
    expect(sourceOf(assessment)).toBe('Resource');
    world.setPage(new Error('connection refused'));
    await jest.advanceTimersByTimeAsync(3 * intervalMs);
    expect(sourceOf(world.assess())).toBeUndefined();
    expect(statesOf(world.assess())).not.toBe(statesOf(assessment));
  });
  test('while a better source is being tried that is the next step, and not to name one', async () => {
    const prometheus: Source = { ...portless, type: 'Prometheus' };
    const answers = { isUp: false };
    const tried = (pages: Source): Source => ({
      ...prometheus,
      read: (view, signal) => (answers.isUp ? pages.read(view, signal) : prometheus.read(view, signal)),
    });
    const metrics = [{ type: 'Prometheus', prometheus: {} }, { type: 'Resource' }] as const;
    const spec = { components: [{ ...componentOf('workflow'), metrics: [...metrics] }] };
    const source = (pages: Source): Source =>
      choiceOf({ sources: [tried(pages), { ...pages, type: 'Resource' }], intervalMs });
    using world = await after(10, { pods: [pod('a')], page: memory, source, spec });
    const said = () => conditionOf(world.assess(), 'MetricsAvailable');
    expect(said()).toMatchObject({ reason: 'SourceUnreachable' });
    answers.isUp = true;
    while (said()?.reason === 'SourceUnreachable') await jest.advanceTimersByTimeAsync(intervalMs);
    expect(said()).toMatchObject({
      reason: 'SignalMissing',
      message: expect.stringMatching(
        /; next: wait: Prometheus is being tried, and is read once it has worked for three/,
      ),
    });
  });
  test.each(['HTTP', 'Prometheus', 'Resource'] as const)('says what %s lacks, and what to do', async (type) => {
    const spec = { components: [{ ...componentOf('workflow'), metrics: [{ type }] }] };
    using world = await after(6, { pods: [pod('a')], page: memory, source: (pages) => ({ ...pages, type }), spec });
    const { message = '', reason } = conditionOf(world.assess(), 'MetricsAvailable') ?? {};
    expect(reason).toBe('SignalMissing');
    expect(message).toMatch(
      {
        HTTP: /the JSON views of each Pod .*requestRate, metric: \/…/,
        Prometheus: /what Prometheus has of each Pod .*prometheus.queries.requestRate/,
        Resource: /the figures of metrics.k8s.io .*put one of type Pods, Prometheus or HTTP before it/,
      }[type],
    );
  });

  test('another source is news, though all else is as it was', async () => {
    let type: Source['type'] = 'HTTP';
    const source = (pages: Source): Source => ({
      ...pages,
      get type() {
        return type;
      },
    });
    using world = await after(6, { pods: [pod('a')], page: memory, source });
    const before = statesOf(world.assess());
    expect(statesOf(world.assess())).toBe(before);
    type = 'Prometheus';
    expect(statesOf(world.assess())).not.toBe(before);
  });

  test('says of some Pods where others are not read, and of all again once they are; a new one is not missed', async () => {
    using world = await after(3, { pods: [pod('a')] });
    const message = () => conditionOf(world.assess(), 'MetricsAvailable')?.message;
    const all = statesOf(world.assess());
    world.setPods([pod('a'), pod('b', { readySince: Date.now() })]);
    expect(message()).toBe('Every needed signal is fresh.');
    world.setPods([pod('a'), pod('b')]);
    expect(message()).toMatch(/^Signals are fresh of some Pods and not of others/);
    expect(statesOf(world.assess())).not.toBe(all);
    await jest.advanceTimersByTimeAsync(3 * intervalMs);
    expect(message()).toBe('Every needed signal is fresh.');
  });

  test('Pods that all came anew have not been read twice, however long the others before them were', async () => {
    using world = await after(6, { pods: [pod('a')] });
    world.setPods([pod('b', { readySince: Date.now() })]);
    await jest.advanceTimersByTimeAsync(intervalMs / 2);
    expect(conditionOf(world.assess(), 'MetricsAvailable')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    await jest.advanceTimersByTimeAsync(3 * intervalMs);
    expect(conditionOf(world.assess(), 'MetricsAvailable')).toMatchObject({ reason: 'Fresh' });
  });

  test('names the source of a component while it gives figures, and only then', async () => {
    using world = await after(3, { pods: [pod('a')] });
    expect(world.assess().components.get('workflow')).toEqual({ metricsSource: 'Pods' });
    world.setPods([]);
    expect(world.assess().components.size).toBe(0);
  });
});
