import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { replicasForPodsMetric, type PodSample, type Tolerance } from '../../operator/decide/pods-metric.ts';
import { freshMemory } from '../../operator/decide/scaling-behavior.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { resource } from '../../operator/kube/resource.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { deployments } from '../../operator/reconcilers/kinds.ts';
import {
  groupOf,
  replicasByUtilization,
  syncHpa,
  type PodGroups,
  type PodReading,
} from '../../operator/simulate/autoscalers/hpa-controller.ts';
import { apiService, externalService, podStatus } from '../bench/manifests.ts';
import { eventually } from '../world/eventually.ts';
import { hour, stories, times, type Odd, type Story } from './hpa-stories.ts';
import { playedNamespace, startMetricsPlayer, type MetricsPlayer, type Played } from './metrics-player.ts';

const services = resource({ group: '', version: 'v1', plural: 'services', kind: 'Service', namespaced: true });
const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false });
const apiServices = resource({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
});

/** Syncs are half a second apart, so windows are a twelfth of what a service has. */
const syncPeriod = '500ms';
const cpuTarget = 70;
const requestsTarget = 100;
const maxReplicas = 40;

const appOf = (story: Story): string => `app-${stories.indexOf(story)}`;

/** A sync as the controller had it. */
interface Seen {
  readonly at: number;
  readonly replicas: number;
}

let plane: ControlPlane;
let kube: Kube & AsyncDisposable;
let player: MetricsPlayer;
const seen = new Map<string, Seen[]>(stories.map((story) => [appOf(story), []]));
const signal = AbortSignal.timeout(900_000);

beforeAll(async () => {
  plane = await controlPlane(
    {
      controllers: true,
      autoscalerSyncPeriod: syncPeriod,
      controllerManagerFlags: [
        '--controllers=horizontal-pod-autoscaler-controller,serviceaccount-controller',
        '--kube-api-qps=500', // its own 20 would be the slowest part
        '--kube-api-burst=500',
      ],
      progress: progressOn(process.stderr),
    },
    signal,
  );
  kube = connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), { userAgent: 'test' });
  player = await startMetricsPlayer(play);
  await serveMetrics();
  for (const story of stories) await furnish(story);
  await Promise.all(stories.map(autoscale)); // the first sync of each is answered
  await eventually(
    () => {
      for (const story of stories) expect(seen.get(appOf(story))?.length).toBeGreaterThan(story.played.length);
    },
    { withinMs: 120_000, explain: () => plane.log('kube-controller-manager') },
  );
}, 900_000);

afterAll(async () => {
  await plane.kill('kube-controller-manager'); // it asks the player, which asks the API server
  await player[Symbol.asyncDispose]();
  await kube[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

/** The first metric of an HPA begins a sync, and the replicas that it finds then are noted; the newest stays once the story is over. */
async function play(app: string, metric: keyof Played): Promise<readonly number[] | undefined> {
  const story = stories.find((one) => appOf(one) === app);
  const syncs = seen.get(app);
  if (story === undefined || syncs === undefined) throw new Error(`nobody plays for ${app}`);
  const begins = metric === story.metrics[0];
  const index = begins ? syncs.length : syncs.length - 1;
  const floor = story.minReplicas[index];
  if (begins && index > 0 && floor !== undefined) await moveFloor(app, floor);
  const isOver = index > story.played.length;
  const replicas = begins && !isOver ? await replicasOf(app) : (syncs[index]?.replicas ?? NaN);
  syncs[index] = { at: Date.now(), replicas };
  return story.played[Math.min(index, story.played.length - 1)]?.[metric];
}

const keyOf = (app: string): string => `${playedNamespace}/${app}`;
const replicasOf = async (app: string): Promise<number> =>
  (await kube.get(deployments, keyOf(app), signal))?.spec.replicas ?? NaN;
const moveFloor = (app: string, value: number): Promise<unknown> =>
  kube.patch(horizontalPodAutoscalers, keyOf(app), [{ op: 'replace', path: '/spec/minReplicas', value }], {}, signal);

async function serveMetrics(): Promise<void> {
  await kube.create(namespaces, { metadata: { name: playedNamespace } }, {}, signal);
  const place = { namespace: playedNamespace, name: 'metrics', port: player.port, ca: player.ca };
  const served = [
    { ...place, group: 'metrics.k8s.io', version: 'v1beta1' },
    { ...place, group: 'custom.metrics.k8s.io', version: 'v1beta2' },
  ];
  await kube.create(services, externalService({ ...place, group: '', version: '' }), {}, signal);
  for (const api of served) await kube.create(apiServices, apiService(api), {}, signal);
  for (const { group, version } of served) {
    const answers = () =>
      kube.raw({ path: `/apis/${group}/${version}` }, signal).then(
        () => true,
        () => false,
      );
    await waitUntil(`${group} answers`, answers, { timeoutMs: 60_000, signal });
  }
}

/** A Deployment whose Pods nobody makes but the test: which of them have metrics stays as it is told. */
async function furnish(story: Story): Promise<void> {
  const app = appOf(story);
  const labels = { app };
  const container = { name: 'app', image: 'app', resources: { requests: { cpu: '1', memory: '64Mi' } } };
  const template = { metadata: { labels }, spec: { containers: [container] } };
  const {
    replicas,
    pods: { measured, pending, silent, odd = [] },
  } = story;
  const spec = { replicas, selector: { matchLabels: labels }, template };
  await kube.create(deployments, { metadata: { namespace: playedNamespace, name: app }, spec }, {}, signal);
  const statuses = [
    ...times(measured, podStatus()),
    ...odd.map(statusOf),
    ...times(silent, podStatus()),
    ...times(pending, undefined),
  ];
  await Promise.all(
    statuses.map(async (value, index) => {
      const name = `${app}-${index}`;
      const metadata = { namespace: playedNamespace, name, labels };
      await kube.create(podResource, { metadata, spec: { containers: [container] } }, {}, signal);
      const status = [{ op: 'add', path: '/status', value }] as const;
      if (value !== undefined) await kube.patch(podResource, keyOf(name), status, { subresource: 'status' }, signal);
    }),
  );
}

function statusOf({ started, ready }: Odd): object {
  const at = (secondsAgo: number): string => `${new Date(Date.now() - 1_000 * secondsAgo).toISOString().slice(0, 19)}Z`;
  const conditions = ready === undefined ? [] : [{ type: 'Ready', status: ready[0], lastTransitionTime: at(ready[1]) }];
  return { ...podStatus(), startTime: at(started), conditions };
}

async function autoscale(story: Story): Promise<void> {
  const app = appOf(story);
  const { metrics, behavior, tolerance, minReplicas } = story;
  const utilization = { type: 'Utilization', averageUtilization: cpuTarget };
  const averageValue = { type: 'AverageValue', averageValue: `${requestsTarget}` };
  const specs = {
    cpu: { type: 'Resource', resource: { name: 'cpu', target: utilization } },
    requests: { type: 'Pods', pods: { metric: { name: 'requests_per_second' }, target: averageValue } },
  };
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: app },
    minReplicas: minReplicas[0],
    maxReplicas,
    metrics: metrics.map((metric) => specs[metric]),
    behavior: {
      scaleUp: { ...behavior.scaleUp, ...(tolerance && { tolerance: `${tolerance.up}` }) },
      scaleDown: { ...behavior.scaleDown, ...(tolerance && { tolerance: `${tolerance.down}` }) },
    },
  };
  await kube.create(
    horizontalPodAutoscalers,
    { metadata: { namespace: playedNamespace, name: app }, spec },
    {},
    signal,
  );
}

/** What our model of the controller makes of the same metrics at the same times: the replicas that each sync finds. */
function modelled(story: Story, syncs: readonly Seen[]): readonly number[] {
  const { behavior, played } = story;
  let current = story.replicas;
  let minReplicas = story.minReplicas[0] ?? 1;
  let memory = freshMemory(current, syncs[0]?.at ?? 0);
  const sync = (now: number, metrics: Played): void => {
    const asked = story.metrics.map((metric) => asks[metric](story, metrics[metric], current));
    ({ replicas: current, memory } = syncHpa({ asked, current, minReplicas, maxReplicas, behavior, memory, now }));
  };
  return played.map((metrics, index) => {
    const before = syncs[index - 1]?.at ?? 0;
    const at = syncs[index]?.at ?? 0;
    if (current < minReplicas) sync((before + at) / 2, {}); // asks for no metric, so nobody was told of it
    const found = current;
    sync(at, metrics);
    minReplicas = story.minReplicas[index] ?? minReplicas; // moved while that sync was under way
    return found;
  });
}

const asks: Readonly<
  Record<keyof Played, (story: Story, values: readonly number[] | undefined, current: number) => number | undefined>
> = {
  cpu: ({ pods: { pending, silent, odd = [] }, tolerance = aTenth }, values = [], current) => {
    const groups: PodGroups = { counted: 0, usage: 0, unready: pending, missing: silent };
    const measured = values.length - odd.length;
    for (const [index, value] of values.entries()) {
      const group = groupOf(readingOf(odd[index - measured]), 'cpu', 0);
      groups[group]++;
      if (group === 'counted') groups.usage += value;
    }
    return replicasByUtilization(cpuTarget, groups, { current, tolerance });
  },
  requests: ({ pods: { pending, silent }, tolerance = aTenth }, values = [], current) => {
    const pods: readonly PodSample[] = [
      ...values.map((value) => ({ state: 'running', value }) as const),
      ...times(silent, { state: 'running' } as const),
      ...times(pending, { state: 'pending' } as const),
    ];
    return replicasForPodsMetric({ current, target: requestsTarget, pods, tolerance })?.replicas;
  },
};
const aTenth: Tolerance = { up: 0.1, down: 0.1 };

/** A Pod of an hour ago with a sample of now, but for what is odd. */
const readingOf = ({ started, ready }: Odd = { started: hour, ready: ['True', hour] }): PodReading => ({
  isStarted: true,
  startedAt: -started,
  ready: ready && { isTrue: ready[0] === 'True', since: -ready[1] },
  sample: { at: 0, windowSeconds: 15 },
});

describe('the model of the HPA asks for what the HPA controller asks for, sync by sync:', () => {
  test.each(stories)('$name', (story) => {
    const syncs = seen.get(appOf(story))?.slice(0, story.played.length) ?? [];
    const found = syncs.map(({ replicas }) => replicas);
    expect(new Set(found).size).toBeGreaterThan(2); // it was made to scale
    expect(modelled(story, syncs)).toEqual(found);
  });
});
