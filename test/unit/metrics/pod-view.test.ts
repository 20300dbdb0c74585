import { describe, expect, test } from '@jest/globals';
import { projectPod, stateOf, type PodView } from '../../../operator/metrics/pod-view.ts';

type Pod = Parameters<typeof projectPod>[0];
const second = (n: number): string => new Date(Date.UTC(2026, 10, 25, 12, 0, n)).toISOString();
const running: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'a',
    namespace: 'ai',
    uid: 'u1',
    resourceVersion: '1',
    creationTimestamp: second(0),
    labels: { app: 'x' },
  },
  spec: {
    initContainers: [
      { name: 'once', ports: [{ name: 'no', containerPort: 1 }] },
      { name: 'sidecar', restartPolicy: 'Always', ports: [{ name: 'side', containerPort: 15000 }] },
    ],
    containers: [
      {
        name: 'app',
        ports: [
          { name: 'metrics', containerPort: 9100 },
          { name: 'dns', containerPort: 53, protocol: 'UDP' },
        ],
        resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1', memory: '2e9' } },
      },
    ],
  },
  status: {
    phase: 'Running',
    podIP: '10.0.0.7',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: second(20) }],
    containerStatuses: [
      { lastState: { terminated: { reason: 'OOMKilled', finishedAt: second(9) } } },
      { lastState: { terminated: { reason: 'Error' } } },
    ],
  },
};

test('projectPod() keeps why a container does not run, in the word of the kubelet', () => {
  const containerStatuses = [{ state: {} }, { state: { waiting: { reason: 'CrashLoopBackOff' } } }];
  expect(projectPod({ ...running, status: { ...running.status, containerStatuses } }).waiting).toBe('CrashLoopBackOff');
});

test('projectPod() keeps what is asked, in base units', () => {
  expect(projectPod(running)).toEqual({
    namespace: 'ai',
    name: 'a',
    uid: 'u1',
    labels: { app: 'x' },
    ip: '10.0.0.7',
    phase: 'Running',
    ready: true,
    readySince: Date.parse(second(20)),
    createdAt: Date.parse(second(0)),
    deleting: false,
    ports: [
      { name: 'side', containerPort: 15000 },
      { name: 'metrics', containerPort: 9100 },
    ],
    containers: [{ name: 'app', cpuRequest: 0.5, cpuLimit: 1, memoryRequest: 1024 ** 3, memoryLimit: undefined }],
    oomKilledAt: Date.parse(second(9)),
  });
});

test.each([
  { named: undefined, first: 'proxy' },
  { named: 'app', first: 'app' },
  { named: 'gone', first: 'proxy' },
])('projectPod() puts the default container first: the annotation says $named', ({ named, first }) => {
  const annotations = named === undefined ? {} : { 'kubectl.kubernetes.io/default-container': named };
  const containers = [{ name: 'proxy' }, { name: 'app' }, { name: 'log' }];
  const { containers: seen } = projectPod({
    ...running,
    metadata: { ...running.metadata, annotations },
    spec: { containers },
  });
  expect(seen.map(({ name }) => name)).toEqual([first, ...['proxy', 'app', 'log'].filter((name) => name !== first)]);
});

describe('stateOf()', () => {
  const ready = projectPod(running);
  const created = ready.createdAt;
  test.each<{ name: string; pod: Partial<PodView>; state: ReturnType<typeof stateOf> }>([
    { name: 'a ready Pod is Ready', pod: {}, state: 'Ready' },
    {
      name: 'one that is being deleted is Terminating, also while it is ready',
      pod: { deleting: true },
      state: 'Terminating',
    },
    { name: 'a failed one is Finished', pod: { phase: 'Failed', ready: false }, state: 'Finished' },
    { name: 'a pending one is Starting', pod: { phase: 'Pending', ready: false }, state: 'Starting' },
    {
      name: 'one that was never ready is Starting, however old',
      pod: { ready: false, readySince: created + 1_000 },
      state: 'Starting',
    },
    {
      name: 'one that lost its readiness is NotReady',
      pod: { ready: false, readySince: created + 60_000 },
      state: 'NotReady',
    },
  ])('$name', ({ pod, state }) => {
    expect(stateOf({ ...ready, ...pod })).toBe(state);
  });
});

describe('what of a Pod is being resized', () => {
  const condition = (type: string, reason?: string) => ({
    type,
    status: 'True',
    message: 'no room',
    ...(reason && { reason }),
  });
  test.each([
    { name: 'nothing', status: {}, expected: undefined },
    { name: 'nothing that its kubelet has not seen', status: { observedGeneration: 2 }, expected: undefined },
    { name: 'what its kubelet has not seen yet', status: { observedGeneration: 1 }, expected: 'InProgress' },
    { name: 'what is under way', status: { conditions: [condition('PodResizeInProgress')] }, expected: 'InProgress' },
    { name: 'what waits', status: { conditions: [condition('PodResizePending', 'Deferred')] }, expected: 'Deferred' },
    {
      name: 'what cannot be',
      status: { conditions: [condition('PodResizeInProgress'), condition('PodResizePending', 'Infeasible')] },
      expected: 'Infeasible',
    },
  ])('$name', ({ status, expected }) => {
    const pod = { ...running, metadata: { ...running.metadata, generation: 2 }, status };
    expect(projectPod(pod).resize?.state).toBe(expected);
  });

  test.each([
    { name: 'what another figure is in force of', cpu: '200m', expected: 'InProgress' },
    { name: 'nothing where a cgroup has rounded', cpu: '505m', expected: undefined },
  ])('where no kubelet says what it has seen (1.33): $name', ({ cpu, expected }) => {
    const resources = (requests: Readonly<Record<string, string>>) => [{ name: 'app', resources: { requests } }];
    const spec = { containers: resources({ cpu: '500m', memory: '1Gi' }) };
    const status = { containerStatuses: resources({ cpu, memory: '1073741824' }) };
    expect(projectPod({ ...running, spec, status }).resize?.state).toBe(expected);
  });

  test.each([
    { name: 'is told while another is to come', limit: '2Gi', status: '1073741824', expected: 2 ** 30 },
    { name: 'is as in the spec where a cgroup has rounded', limit: '100M', status: '99999744', expected: 1e8 },
    { name: 'may be none', limit: '2Gi', status: undefined, expected: undefined },
  ])('the memory in force $name', ({ limit, status, expected }) => {
    const spec = { containers: [{ name: 'app', resources: { limits: { memory: limit } } }] };
    const limits = status === undefined ? {} : { memory: status };
    const containerStatuses = [{ name: 'app', resources: { limits } }];
    const conditions = [condition('PodResizeInProgress')];
    const inForceOf = (told: object) => projectPod({ ...running, spec, status: told }).containers[0]?.inForce;
    expect(inForceOf({ conditions, containerStatuses })).toEqual({ memoryRequest: undefined, memoryLimit: expected });
    expect(inForceOf({ conditions })).toBeUndefined();
    expect(inForceOf({ containerStatuses: [] })).toBeUndefined();
  });

  test('a container has its place in the spec, where another stands before it, and says that it restarts', () => {
    const annotations = { 'kubectl.kubernetes.io/default-container': 'app' };
    const resizePolicy = [{ restartPolicy: 'NotRequired' }, { restartPolicy: 'RestartContainer' }];
    const containers = [{ name: 'proxy' }, { name: 'app', resizePolicy }];
    const pod = { ...running, metadata: { ...running.metadata, annotations }, spec: { containers } };
    expect(projectPod(pod).containers).toMatchObject([
      { name: 'app', index: 1, restartsOnResize: true },
      { name: 'proxy', index: 0 },
    ]);
  });
});
