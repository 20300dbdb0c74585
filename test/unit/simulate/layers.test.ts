import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { besides, missingLayers, tightestOf } from '../../../operator/simulate/layers.ts';

const policyOf = (spec: PolicySpec) => effectivePolicy({ policy: { name: 'layers', spec } }).policy;
const slots = (atOnce: number) => ({ layer: 'runtime.pools.ai_api', atOnce });

describe('the tightest layer', () => {
  test.each<{ readonly name: string; readonly spec: PolicySpec; readonly of?: number; readonly expected: string }>([
    { name: 'is the slots of the guide (5 of 30 connections)', spec: {}, expected: 'runtime.pools.ai_api 5' },
    {
      name: 'is the slots where there are as many connections to one host',
      spec: { runtime: { http: { connectionsPerHost: 5 } } },
      expected: 'runtime.pools.ai_api 5',
    },
    {
      name: 'is the connections to one host where those are fewer',
      spec: { runtime: { http: { connectionsPerHost: 4 } } },
      expected: 'runtime.http.connectionsPerHost 4',
    },
    {
      name: 'is what comes first of two that are as few',
      spec: { runtime: { http: { connectionsPerHost: 40, connections: 40 } } },
      of: 50,
      expected: 'runtime.http.connectionsPerHost 40',
    },
    {
      name: 'is the slots where the Pods have no settings from us',
      spec: { runtime: { mode: 'Off', http: { connectionsPerHost: 4 } } },
      expected: 'runtime.pools.ai_api 5',
    },
    {
      name: 'is no pool that a request is in for a while only',
      spec: { runtime: { pools: { io: 1 } } },
      expected: 'runtime.pools.ai_api 5',
    },
  ])('$name', ({ spec, of = 5, expected }) => {
    const { layer, atOnce } = tightestOf(policyOf(spec), slots(of));
    expect(`${layer} ${atOnce}`).toBe(expected);
  });
});

describe('what there is no figure of', () => {
  const connections = { postgres: { parameters: { max_connections: '100' } } };
  test.each<{ readonly name: string; readonly spec: PolicySpec; readonly expected: readonly string[] }>([
    { name: 'settings that nobody declares', spec: connections, expected: ['runtime'] },
    { name: 'settings that are Off', spec: { runtime: { mode: 'Off' }, ...connections }, expected: ['runtime'] },
    {
      name: 'connections that nobody declares',
      spec: { runtime: { pools: { ai_api: 5 } } },
      expected: ['postgres.parameters.max_connections'],
    },
    { name: 'nothing that is declared', spec: { runtime: { pools: { ai_api: 5 } }, ...connections }, expected: [] },
  ])('$name, and what no policy tells of', ({ spec, expected }) => {
    const { policy, declared } = effectivePolicy({ policy: { name: 'layers', spec } });
    const layers = missingLayers(policy, declared).map(({ layer }) => layer);
    expect(layers).toEqual([...expected, 'the model and the nodes']);
  });
});

describe('what a request holds for a while', () => {
  const said = (spec: PolicySpec, replicas = 4) =>
    besides(policyOf(spec), slots(5), replicas).map(({ layer, share }) => `${layer} ${share}`);

  test('keeps nobody waiting where there is one for each slot, else from the share on that they are enough for (2 of 5, 4 of 5)', () => {
    expect(said({})).toEqual([
      'runtime.pools.cpu 0.4',
      'runtime.cpuPool.threads 0.8',
      'runtime.pools.io 1',
      'runtime.postgresPool.max 1',
    ]);
  });

  test.each([
    { most: '31', share: '1' }, // (31 − 10) / 4 = 5.25
    { most: '29', share: '0.8' }, // 4.75
    { most: '10', share: '0' },
    { most: '4', share: '0' },
  ])(
    'of max_connections $most, 10 of them reserved, four replicas have their parts: share $share',
    ({ most, share }) => {
      expect(said({ postgres: { parameters: { max_connections: most } } })).toContain(
        `postgres.parameters.max_connections ÷ 4 ${share}`,
      );
    },
  );

  test('is not known where the Pods have no settings from us', () => {
    expect(said({ runtime: { mode: 'Off' } })).toEqual([]);
  });
});
