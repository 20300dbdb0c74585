import { describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../../operator/kube/object.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import { gatewayHash, gatewayObjects, type Gateway } from '../../../../operator/levers/load-balancer/gateway.ts';
import type { GatewaySeen } from '../../../../operator/levers/load-balancer/plan-gateway.ts';
import { plan } from '../../../../operator/levers/load-balancer/plan.ts';
import type { LoadBalancerUnit } from '../../../../operator/levers/load-balancer/unit.ts';
import { unit, hash, inForce, says, old, type Observed } from './plan-input.ts';

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
      againMs: 10_000,
    });
    expect(of({ image: undefined }, { configMap: inForce, agents: [] })).toMatchObject({
      changes: [],
      condition: { status: 'False', reason: 'Failed', message: expect.stringContaining('--nginx-image') },
      againMs: 10_000,
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
    expect([found.againMs, of({ image: undefined }, { ...stands, denied }).againMs]).toEqual([3_000, 10_000]);
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
