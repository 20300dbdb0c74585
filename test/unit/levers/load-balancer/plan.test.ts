import { describe, expect, test } from '@jest/globals';
import type { UpstreamWeights } from '../../../../operator/api/load-balancer-report.ts';
import { text, hash, configMap, inForce, says, old, planned } from './plan-input.ts';

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
        reason: 'PodsBehind',
        message: expect.stringMatching(/^saw a: the master process does not react; .*; next: wait: .* delete the Pod/),
      },
    },
    {
      name: 'nginx refused earlier ones',
      agents: [says('a', old, { hash: old, message: 'no' })],
      condition: { status: 'False', reason: 'PodsBehind', message: expect.stringContaining(`a serves ${old} (no)`) },
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
        message: expect.stringMatching(
          /^saw Service ai\/generation of workflow without port http: .*serviceRef\.port: the name/,
        ),
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
    const found = planned({ configMap: inForce, agents: [says('a', hash), { ...one, report }] });
    expect(found.condition).toEqual(condition);
    expect(found.againMs).toBe(found.condition.status === 'True' ? 30_000 : 10_000); // it lasts until a person ends it
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
    const unasked = planned({ configMap: inForce, agents: undefined });
    const changed = planned({ configMap: undefined, agents: [says('a', hash)] });
    expect([behind, refused, unasked, changed, current].map((one) => one.againMs)).toEqual([
      3_000, 3_000, 3_000, 3_000, 30_000,
    ]);
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
