import { describe, expect, test } from '@jest/globals';
import type { LoadBalancerReport, UpstreamWeights } from '../../../../operator/api/load-balancer-report.ts';
import type { KubeObject } from '../../../../operator/kube/object.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import { gatewayHash, gatewayObjects, type Gateway } from '../../../../operator/levers/load-balancer/gateway.ts';
import type { GatewaySeen } from '../../../../operator/levers/load-balancer/plan-gateway.ts';
import { plan, type LoadBalancerObserved } from '../../../../operator/levers/load-balancer/plan.ts';
import type { AgentSaid } from '../../../../operator/levers/load-balancer/reports.ts';
import type { LoadBalancerUnit } from '../../../../operator/levers/load-balancer/unit.ts';
import { components, writtenFor } from './settings.ts';

const unit: LoadBalancerUnit = {
  name: 'nginx',
  mode: 'Enforce',
  namespace: 'ai',
  configMapName: 'generation-nginx',
  owner: {
    apiVersion: 'genops.dev/v1alpha1',
    kind: 'GenerationService',
    name: 'generation',
    uid: 'u',
    controller: true,
  },
  policy: effectivePolicy({}).policy.loadBalancer,
  nginx: { podSelector: { matchLabels: { app: 'nginx' } } },
  components,
  podLabels: { app: 'nginx' },
  gateway: undefined,
  image: 'genops-nginx:1',
  slots: { workflow: 5 },
};
const { settings, text } = writtenFor();
const { hash } = settings;
const metadata = { name: 'generation-nginx', namespace: 'ai', uid: 'c', resourceVersion: '1', creationTimestamp: '' };
const configMap = (data: Readonly<Record<string, string>>, controller = 'u') => ({ controller, metadata, data });
const inForce = configMap({ 'settings.json': text });

function says(pod: string, loaded: string | undefined, rejected?: LoadBalancerReport['rejected']): AgentSaid {
  const pods = [10, 32].map((weight, index) => ({ server: `10.0.0.${index}:80`, weight, why: 'Measured' }));
  const weights = { workflow: { mode: 'Adaptive', pods } };
  const serving = { method: 'LeastConn', https: false, servers: { workflow: 2 }, weights };
  const report: LoadBalancerReport = {
    version: 1,
    serverVersion: '1.31.3',
    capabilities: [],
    ...(loaded === undefined ? {} : { loaded: { hash: loaded, ...serving } }),
    ...(rejected === undefined ? {} : { rejected }),
    drainingWorkers: 0,
    loads: 1,
  };
  return { pod, kind: 'said', report };
}
const old = '000000000000';

type Observed = Omit<LoadBalancerObserved, 'gateway'> & Partial<LoadBalancerObserved>;
const planned = (observed: Observed, given: Partial<LoadBalancerUnit> = {}, applied?: string) =>
  plan({
    unit: { ...unit, ...given },
    observed: { gateway: [], ...observed },
    memory: applied === undefined ? undefined : { applied: { hash: applied } },
    now: 0,
  });

describe('plan()', () => {
  test('writes the settings where there are none, setting by setting, and says what it is waiting for', () => {
    const { changes, condition } = planned({ configMap: undefined, agents: [] });
    expect(changes).toMatchObject([{ cause: 'Declared', text, remember: { applied: { hash } } }]);
    expect(changes[0]?.differences).toContainEqual({ field: 'loadBalancer.gzip.level', to: '6' });
    expect(condition).toEqual({
      status: 'False',
      reason: 'PodsBehind',
      message:
        'saw no running Pod with app=nginx; wanted at least one that runs genops nginx-agent; next: start them, or correct loadBalancer.nginx.podSelector (docs/levers/nginx.md has a Deployment)',
    });
  });

  test.each([
    {
      name: 'what somebody changed',
      applied: hash,
      cause: 'Drift',
      data: { 'settings.json': text.replace('"level": 6', '"level": 1') },
      differing: { field: 'loadBalancer.gzip.level', from: '1', to: '6' },
    },
    {
      name: 'what is declared anew',
      applied: old,
      cause: 'Declared',
      data: { 'settings.json': text.replace('"level": 6', '"level": 1') },
      differing: { field: 'loadBalancer.gzip.level', from: '1', to: '6' },
    },
    {
      name: 'a field too many',
      applied: hash,
      cause: 'Drift',
      data: { 'settings.json': text.replace('{', '{"more": 1,') },
      differing: { field: 'settings.json', from: 'edited', to: hash },
    },
  ])('puts right $name', ({ applied, cause, data, differing }) => {
    expect(planned({ configMap: configMap(data), agents: [] }, {}, applied).changes).toMatchObject([
      { cause, differences: [differing] },
    ]);
  });

  test.each([
    { name: 'nobody asked', agents: undefined, condition: { status: 'Unknown', reason: 'Pending' } },
    {
      name: 'every Pod serves them',
      agents: [says('a', hash), says('b', hash)],
      condition: {
        status: 'True',
        reason: 'Applied',
        message: `All 2 Pods serve the settings ${hash} of ConfigMap ai/generation-nginx, HTTP only: nginx.tlsSecretRef names no certificate.`,
      },
    },
    {
      name: 'what stands there for a moment cannot be read, and nginx serves them still',
      agents: [says('a', hash, { message: 'no JSON' })],
      condition: { status: 'True', reason: 'Applied' },
    },
    {
      name: 'one serves older ones',
      agents: [says('a', hash), says('b', old)],
      condition: {
        status: 'False',
        reason: 'PodsBehind',
        message: expect.stringContaining(
          `saw 1 of 2 Pods with the settings ${hash} of ConfigMap ai/generation-nginx: b serves ${old}; wanted all`,
        ),
      },
    },
    {
      name: 'one is silent',
      agents: [says('a', undefined), { pod: 'b', kind: 'silent', failure: 'ECONNREFUSED' } as const],
      condition: {
        status: 'False',
        reason: 'PodsBehind',
        message: expect.stringContaining('a serves nothing yet, b cannot be read (ECONNREFUSED)'),
      },
    },
    {
      name: 'nginx refuses them',
      agents: [says('a', old, { hash, message: 'bind() to 0.0.0.0:80\nfailed' })],
      condition: {
        status: 'False',
        reason: 'ConfigRejected',
        message: expect.stringContaining('saw a: bind() to 0.0.0.0:80 failed; wanted nginx to take'),
      },
    },
    {
      name: 'nginx serves them, and refuses what goes with them',
      agents: [says('a', hash, { hash, message: 'key values mismatch' })],
      condition: { status: 'False', reason: 'ConfigRejected', message: expect.stringContaining('key values mismatch') },
    },
    {
      name: 'nginx does not react',
      agents: [says('a', old, { hash, message: 'the master process does not react', isSilent: true })],
      condition: {
        status: 'False',
        reason: 'ConfigRejected',
        message: expect.stringMatching(/^saw a: the master process does not react; .*; next: wait: .* delete the Pod/),
      },
    },
    {
      name: 'nginx refused earlier ones',
      agents: [says('a', old, { hash: old, message: 'no' })],
      condition: { status: 'False', reason: 'PodsBehind' },
    },
    {
      name: 'the agent cannot read them',
      agents: [says('a', old, { message: 'another version' })],
      condition: { status: 'False', reason: 'ConfigRejected' },
    },
  ])('says how far they are in force: $name', ({ agents, condition }) => {
    const found = planned({ configMap: inForce, agents }, {}, hash);
    expect(found.changes).toEqual([]);
    expect(found.condition).toMatchObject(condition);
  });

  test.each<{ name: string; loaded: object; condition: object }>([
    {
      name: 'there is no such Service',
      loaded: { servers: { workflow: 0 }, unusable: { workflow: 'NoService' } },
      condition: {
        status: 'False',
        reason: 'ServiceUnusable',
        message:
          'saw no Service ai/generation (no EndpointSlice names it), to which requests to workflow go: nginx answers them with 502; wanted the Service of the Pods of each component; next: create it, or correct components[].serviceRef.name; one without a selector needs EndpointSlices',
      },
    },
    {
      name: 'it has no such port',
      loaded: { servers: { workflow: 0 }, unusable: { workflow: 'NoPort' } },
      condition: {
        status: 'False',
        reason: 'ServiceUnusable',
        message: expect.stringMatching(/^saw Service ai\/generation of workflow without port http: .*serviceRef\.port/),
      },
    },
    {
      name: 'none of its Pods is ready',
      loaded: { servers: { workflow: 0 }, unusable: {} },
      condition: {
        status: 'True',
        reason: 'Applied',
        message: expect.stringContaining(
          ', but no Pod of Service ai/generation (workflow) is ready: nginx answers requests to it with 502.',
        ),
      },
    },
  ])('says where requests lead nowhere: $name', ({ loaded, condition }) => {
    const [one] = [says('b', hash)];
    if (one.kind !== 'said' || one.report.loaded === undefined) throw new Error('it serves');
    const report = { ...one.report, loaded: { ...one.report.loaded, ...loaded } };
    expect(planned({ configMap: inForce, agents: [says('a', hash), { ...one, report }] }).condition).toEqual(condition);
  });

  test('has in status what all serve only where all serve it', () => {
    const entry = {
      desiredHash: hash,
      podsTotal: 2,
      serverVersion: '1.31.3',
      method: 'LeastConn',
      weightMin: 10,
      weightMax: 32,
    };
    expect(planned({ configMap: inForce, agents: [says('a', hash), says('b', hash)] }).status).toEqual({
      ...entry,
      loadedHash: hash,
      podsCurrent: 2,
    });
    expect(planned({ configMap: inForce, agents: [says('a', hash), says('b', old)] }).status).toEqual({
      ...entry,
      podsCurrent: 1,
    });
  });

  test('looks again soon while anything is not as it should be, and seldom when it is', () => {
    const behind = planned({ configMap: inForce, agents: [says('a', old)] });
    const refused = planned({ configMap: inForce, agents: [says('a', hash, { hash, message: 'key' })] });
    const current = planned({ configMap: inForce, agents: [says('a', hash)] });
    expect([behind.againMs, refused.againMs, current.againMs]).toEqual([3_000, 3_000, 30_000]);
  });

  test('tells where HTTPS was asked for and is not there', () => {
    const nginx = { ...unit.nginx, tlsSecretRef: { name: 'tls' } };
    const secured = writtenFor({}, { tlsSecretRef: { name: 'tls' } });
    const observed = {
      configMap: configMap({ 'settings.json': secured.text }),
      agents: [says('a', secured.settings.hash)],
    };
    expect(planned(observed, { nginx }).condition.message).toContain(
      'but 1 HTTP only: no tls.crt and tls.key of Secret tls',
    );
  });

  test('tells of labels that are no weights, and of those that the agent may not read', () => {
    const labelled = (said: Partial<UpstreamWeights>) => {
      const [one] = [says('a', hash)];
      if (one?.kind !== 'said' || one.report.loaded === undefined) throw new Error('it serves');
      const workflow = { mode: 'Static', pods: [], ...said };
      const report = { ...one.report, loaded: { ...one.report.loaded, weights: { workflow } } };
      return planned({ configMap: inForce, agents: [{ ...one, report }] }).condition.message;
    };
    const pods = ['p', 'q'].map((pod) => ({ server: '10.0.0.1:80', pod, weight: 1, why: 'NotAWeight' }));
    expect(labelled({ pods })).toContain(
      ', but the label genops.dev/weight of p, q is no weight from 1 to 100: it counts as 1',
    );
    expect(labelled({ problem: 'pods is forbidden' })).toContain(
      ', but its agent cannot read the labels of Pods (pods is forbidden): give it list and watch of pods',
    );
  });

  test('leaves a ConfigMap of somebody else, and says what a component without a Service lacks', () => {
    const foreign = planned({ configMap: configMap({}, 'other'), agents: [] });
    expect(foreign).toMatchObject({ changes: [], condition: { status: 'False', reason: 'Conflict' } });
    const bare = [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' } }];
    const lacking = planned({ configMap: undefined, agents: [] }, { components: bare });
    expect(lacking).toMatchObject({ changes: [], condition: { status: 'False', reason: 'ConfigRejected' } });
    expect(lacking.condition.message).toMatch(/^saw component workflow without a serviceRef/);
  });
});

describe('plan() of nginx that genops runs', () => {
  const { owner, namespace } = unit;
  const gateway: Gateway = {
    name: 'generation-nginx',
    namespace,
    owner,
    configMapName: 'generation-nginx',
    replicas: 2,
    tlsSecretRef: undefined,
    readsPods: false,
  };
  const objects = (given: Partial<Gateway> = {}, image = 'genops-nginx:1') =>
    gatewayObjects({ ...gateway, ...given }, image);
  /** As the API server has them, with what it fills in. */
  const seen = (given: Partial<Gateway> = {}, image?: string): GatewaySeen =>
    objects(given, image).map(({ resource, manifest }) => ({
      resource,
      object: {
        apiVersion: resource.version,
        kind: resource.kind,
        ...manifest,
        metadata: { ...manifest.metadata, uid: resource.kind, resourceVersion: '1', creationTimestamp: '' },
        status: {},
      } as KubeObject,
    }));
  const stands = { configMap: inForce, agents: [says('a', hash)] };

  test('its Pods may read labels of Pods only where these are weights', () => {
    const read = (readsPods: boolean) =>
      objects({ readsPods }).flatMap(({ resource, manifest }) =>
        resource.kind === 'Role' && 'rules' in manifest ? JSON.stringify(manifest['rules']).includes('"pods"') : [],
      );
    expect([read(true), read(false)]).toEqual([[true], [false]]);
  });
  const memory = { applied: { hash, gateway: gatewayHash(objects()) } };
  const of = (given: Partial<LoadBalancerUnit>, observed: Observed, known: UnitMemory | undefined = memory) =>
    plan({
      unit: { ...unit, gateway, ...given },
      observed: { gateway: [], ...observed },
      memory: known,
      now: 0,
    });
  const told = ({ changes }: ReturnType<typeof plan>) =>
    changes.map(({ kind, cause, differences }) => [kind, cause, ...differences.map(({ field }) => field)]);

  test('makes all of it in the order in which one needs the other, and remembers it', () => {
    const { changes, condition, againMs } = of({}, { configMap: undefined, agents: [] }, undefined);
    expect(changes.map(({ differences }) => differences[0]?.field)).toEqual([
      'loadBalancer.listen.http',
      'ServiceAccount',
      'Role',
      'RoleBinding',
      'Deployment',
      'Service',
      'PodDisruptionBudget',
    ]);
    expect(new Set(changes.map(({ remember }) => remember))).toEqual(new Set([memory]));
    expect(condition.message).toMatch(/^saw no running Pod of Deployment ai\/generation-nginx; wanted 2; next: wait/);
    expect(againMs).toBe(3_000);
  });

  test('changes nothing where it stands, whatever the API server has filled in', () => {
    expect(of({}, { ...stands, gateway: seen() })).toMatchObject({ changes: [], againMs: 30_000 });
  });

  test.each([
    {
      name: 'another image is declared',
      given: { image: 'genops-nginx:2' },
      says: [['apply', 'Declared', 'Deployment.spec.template.spec.containers[0].image']],
    },
    {
      name: 'one Pod is enough: it may be evicted',
      given: { gateway: { ...gateway, replicas: 1 } },
      says: [
        ['apply', 'Declared', 'Deployment.spec.replicas'],
        ['delete', 'Declared', 'PodDisruptionBudget'],
      ],
    },
    {
      name: 'there is a certificate',
      given: { gateway: { ...gateway, tlsSecretRef: { name: 'tls' } } },
      says: [
        [
          'apply',
          'Declared',
          'Deployment.spec.template.spec.containers[0].volumeMounts',
          'Deployment.spec.template.spec.volumes',
        ],
        ['apply', 'Declared', 'Service.spec.ports'],
      ],
    },
    { name: 'nobody has told of an image, and it runs one (genops diff)', given: { image: undefined }, says: [] },
  ])('changes just what differs where $name', ({ given, says: expected }) => {
    expect(told(of(given, { ...stands, gateway: seen() }))).toEqual(expected);
  });

  test('puts back what somebody deleted, as drift', () => {
    const gone = seen().filter(({ resource }) => resource.kind !== 'Service');
    expect(told(of({}, { ...stands, gateway: gone }))).toEqual([['apply', 'Drift', 'Service']]);
  });

  test('leaves what somebody else made under its name, and says what an operator without an image lacks', () => {
    const theirs = seen().map((one) => ({
      ...one,
      object: { ...one.object, metadata: { ...one.object.metadata, ownerReferences: [] } },
    }));
    expect(of({}, { ...stands, gateway: theirs })).toMatchObject({
      changes: [],
      condition: { status: 'False', reason: 'Conflict', message: expect.stringContaining('saw ServiceAccount ai/') },
    });
    expect(of({ image: undefined }, stands)).toMatchObject({
      changes: [],
      condition: { status: 'False', reason: 'Failed', message: expect.stringContaining('--nginx-image') },
    });
  });

  test('that runs though its operator has lost image and rights is told as that, and has its settings all the same', () => {
    const denied = 'cannot get rolebindings';
    const found = of({ image: undefined }, { ...stands, configMap: undefined, denied });
    expect(told(found)).toEqual([
      ['settings', 'Drift', ...(found.changes[0]?.differences ?? []).map(({ field }) => field)],
    ]);
    expect(found.condition).toMatchObject({
      status: 'False',
      reason: 'Failed',
      message: expect.stringMatching(
        /^saw loadBalancer.nginx.managed, Deployment ai\/generation-nginx that runs, and an operator that is not told its image .*\(cannot get rolebindings\); .*; next: set nginx.image/,
      ),
    });
    expect(found.changes[0]?.remember).toEqual(memory);
  });

  test('goes once nginx of the user’s serves, and not before; then it is forgotten', () => {
    const own = { gateway: undefined };
    const behind = of(own, { configMap: inForce, agents: [says('a', old)], gateway: seen() });
    expect(behind.changes).toEqual([]);
    const there = of(own, { ...stands, gateway: seen() });
    expect(told(there).map(([kind, , field]) => `${kind} ${field}`)).toEqual([
      'delete PodDisruptionBudget',
      'delete Service',
      'delete Deployment',
      'delete RoleBinding',
      'delete Role',
      'delete ServiceAccount',
    ]);
    expect(of(own, stands)).toMatchObject({ changes: [], remember: { applied: { hash } } });
    expect(of(own, stands, { applied: { hash } }).remember).toBeUndefined();
  });

  test('goes with the load balancer of the service', () => {
    const former = { name: 'nginx', mode: 'Enforce', namespace, owner, isFormer: true } as const;
    const left = plan({
      unit: former,
      observed: { configMap: undefined, agents: undefined, gateway: seen() },
      memory,
      now: 0,
    });
    expect(left).toMatchObject({ condition: { status: 'True', reason: 'Off' }, status: {} });
    expect(left.changes).toHaveLength(6);
  });
});
