import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Manifest } from '../../operator/kube/object.ts';

const namespaces = 20;

/** `bench-00` … `bench-19` */
export const namespaceNames: readonly string[] = Array.from(
  { length: namespaces },
  (_, index) => `bench-${String(index).padStart(2, '0')}`,
);

/** Where a service lives and what it, its workload and its HPA's target are called. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** Spread over the namespaces in turn. */
export function places(count: number): readonly Place[] {
  return Array.from({ length: count }, (_, index) => ({
    namespace: namespaceNames[index % namespaces] ?? '',
    name: `service-${String(index).padStart(4, '0')}`,
  }));
}

export function deployment({ namespace, name }: Place): Manifest {
  const labels = { app: name };
  return {
    metadata: { namespace, name, labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'service', image: 'service', resources: { requests: { cpu: '100m' } } }] },
      },
    },
  };
}

export async function policy(namespace: string): Promise<Manifest> {
  const sample = await readFile(join(import.meta.dirname, '../../config/samples/policy-minimal.yaml'), 'utf8');
  const { spec } = parse(sample) as { spec: object };
  return { metadata: { namespace, name: 'bench' }, spec };
}

export function service({ namespace, name }: Place): Manifest {
  return {
    metadata: { namespace, name },
    spec: {
      policyRef: { name: 'bench' },
      components: [{ name: 'main', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } }],
    },
  };
}

const utilization = (resource: string, averageUtilization: number): object => ({
  type: 'Resource',
  resource: { name: resource, target: { type: 'Utilization', averageUtilization } },
});

/** What the floor applies in the operator's place: the same HPA as genops and the Go peer make of the default policy. */
export function autoscaler({ namespace, name }: Place, uid: string): Manifest {
  return {
    metadata: {
      namespace,
      name: `${name}-main-hpa`,
      labels: { 'app.kubernetes.io/managed-by': 'floor', 'genops.dev/service': name },
      ownerReferences: [
        {
          apiVersion: 'genops.dev/v1alpha1',
          kind: 'GenerationService',
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 2,
      maxReplicas: 20,
      metrics: [utilization('cpu', 70), utilization('memory', 80)],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 60,
          selectPolicy: 'Max',
          policies: [
            { type: 'Percent', value: 100, periodSeconds: 30 },
            { type: 'Pods', value: 4, periodSeconds: 60 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: 300,
          selectPolicy: 'Max',
          policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }],
        },
      },
    },
  };
}

/** One of the two Pods of a service, which a node would have started. @param port Where its metrics are. */
export function pod({ namespace, name }: Place, index: number, port: number): Manifest {
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  return {
    metadata: { namespace, name: `${name}-${index}`, labels: { app: name } },
    spec: {
      nodeName: 'bench',
      containers: [{ name: 'service', image: 'service', resources, ports: [{ name: 'metrics', containerPort: port }] }],
    },
  };
}

/** Ready for an hour, at an address of this machine. */
export function podStatus(): object {
  const since = `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`;
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
    type,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: since,
  }));
  const state = { running: { startedAt: since } };
  const container = {
    name: 'service',
    ready: true,
    started: true,
    restartCount: 0,
    image: 'service',
    imageID: '',
    state,
  };
  const address = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
  return { phase: 'Running', startTime: since, conditions, containerStatuses: [container], ...address };
}

/** A metrics API, and where it is served. */
export interface ServedApi extends Place {
  readonly group: string;
  readonly version: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
}

export const externalService = ({ namespace, name, port }: ServedApi): Manifest => ({
  metadata: { namespace, name },
  spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
});

export const apiService = ({ group, version, namespace, name, port, ca }: ServedApi): Manifest => ({
  metadata: { name: `${version}.${group}` },
  spec: {
    group,
    version,
    groupPriorityMinimum: 100,
    versionPriority: 100,
    caBundle: Buffer.from(ca).toString('base64'),
    service: { namespace, name, port },
  },
});

/** Six conditions with a sentence each: about what genops writes. */
export function status({ namespace, name }: Place): Manifest {
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const types = ['PolicyAccepted', 'TargetFound', 'HorizontalApplied', 'MetricsAvailable', 'ObjectivesMet', 'Ready'];
  const conditions = types.map((type) => ({
    type,
    status: 'True',
    reason: 'Applied',
    message: 'Everything that is declared is in force, and nothing else is to be said of it.',
    observedGeneration: 1,
    lastTransitionTime,
  }));
  return { metadata: { namespace, name }, status: { observedGeneration: 1, conditions } };
}

/** What a working HPA controller writes every 15 s; `turn` moves the figures, as load does. */
export function autoscalerStatus(turn: number): object {
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const condition = (type: string, reason: string): object => ({ type, status: 'True', reason, lastTransitionTime });
  return {
    currentReplicas: 2,
    desiredReplicas: 2,
    currentMetrics: ['cpu', 'memory'].map((name) => ({
      type: 'Resource',
      resource: { name, current: { averageUtilization: 40 + (turn % 20), averageValue: `${400 + turn}m` } },
    })),
    conditions: [condition('AbleToScale', 'ReadyForNewScale'), condition('ScalingActive', 'ValidMetricFound')],
  };
}
