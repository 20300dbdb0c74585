import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../../operator/api/generation-service.ts';
import { resolve, type TargetSeen } from '../../../../operator/decide/resolve.ts';
import type { Kube, Query } from '../../../../operator/kube/client.ts';
import type { KubeObject } from '../../../../operator/kube/object.ts';
import { resources } from '../../../../operator/levers/resources/lever.ts';
import { apply, observe, planAll, type AnyLever } from '../../../../operator/levers/run.ts';
import { leverConditions } from '../../../../operator/reconcilers/lever-conditions.ts';
import { podView } from '../../../world/pod-view.ts';
import { storedService } from '../../../world/builders.ts';

const never = new AbortController().signal;
const declared = { resources: { mode: 'Enforce' } } as const;
const web: GenerationServiceSpec['components'][number] = {
  name: 'web',
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
};
/** Of a kind that has no Pod template of its own. */
const rollout: GenerationServiceSpec['components'][number] = {
  name: 'rollout',
  targetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'rollout' },
};
const asDeclared = { name: 'app', cpuRequest: 0.5, cpuLimit: 1, memoryRequest: 2 ** 30, memoryLimit: 2 ** 31 };

/** A service whose ResourcesApplied last had a reason, in front of an API server that keeps ConfigMaps. */
function open({ released = false } = {}) {
  const kept = new Map<string, KubeObject>();
  const read: string[] = [];
  const keep = (_: unknown, object: KubeObject) => {
    kept.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
    return Promise.resolve(object.metadata);
  };
  const kube = {
    discover: () => Promise.resolve({ resource: {}, subresources: ['resize'] }),
    get: (_: unknown, key: string) => Promise.resolve(kept.get(key)),
    list: (_: unknown, { namespace, labelSelector }: Query) => {
      const isAsked = ({ metadata }: KubeObject): boolean =>
        metadata.namespace === namespace &&
        Object.entries(metadata.labels ?? {}).some(([label, text]) => `${label}=${text}` === labelSelector);
      return Promise.resolve([...kept.values()].filter(isAsked));
    },
    create: keep,
    update: keep,
  } as unknown as Kube;
  const lever: AnyLever = resources({
    kube,
    podsOf: () => [podView('a', { containers: [asDeclared] })],
    readTemplate: ({ targetRef: { kind } }) => {
      read.push(kind);
      const container = { name: 'app', requests: {}, limits: {} };
      return Promise.resolve(kind === 'Rollout' ? undefined : { containers: [container] });
    },
  });
  let reason: string | undefined;
  const visit = async (spec: Partial<GenerationServiceSpec>) => {
    const condition = { type: 'ResourcesApplied', status: 'True', message: '', lastTransitionTime: '' } as const;
    const service = storedService({
      metadata: { uid: 'service', ...(released && { deletionTimestamp: '2026-11-28T00:00:00Z' }) },
      spec: { components: [web, rollout], ...spec },
      status: reason === undefined ? {} : { conditions: [{ ...condition, reason, observedGeneration: 1 }] },
    });
    const targets = new Map<string, TargetSeen>(
      service.spec.components.map(({ name }) => [name, { kind: 'found', replicas: 1, selector: [] }]),
    );
    const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
    if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
    const { resolved } = resolution;
    const verb = released ? 'restore' : 'plan';
    const plans = planAll(await observe([lever], resolved, never), { memory: {}, now: 0, verb });
    const [said] = leverConditions(await apply(plans, () => true, never), resolved.mode);
    reason = said?.reason;
    return said;
  };
  return {
    visit,
    read,
    /** Whether new Pods of a component begin with what we say. */
    isOn: (component = 'web') =>
      kept.get(`ai/generation-${component}-new-pods`)?.metadata.labels?.['genops.dev/new-pods'],
    say: (word: string) => void (reason = word),
  };
}

const onlyWeb = { components: [{ ...web, overrides: declared }, rollout] };

describe('the resources lever', () => {
  test('asks nothing of a component that declares none, whatever kind it is of', async () => {
    const { visit, read } = open();
    await visit(onlyWeb);
    expect(await visit(onlyWeb)).toMatchObject({ status: 'True', reason: 'Applied' }); // now it looks after what may have to end
    expect(read).toEqual(['Deployment', 'Deployment']);
  });

  test('says Off for one visit when nobody declares any, then nothing', async () => {
    const { visit, isOn } = open();
    await visit(onlyWeb);
    expect(isOn()).toBe('on');
    expect(await visit({})).toMatchObject({ status: 'True', reason: 'Off' });
    expect(isOn()).toBe('off');
    expect(await visit({})).toBeUndefined();
  });

  test('ends what new Pods of a component that is gone begin with, and after a pause only', async () => {
    const { visit, isOn } = open();
    const old = { ...web, name: 'old' };
    await visit({
      components: [
        { ...web, overrides: declared },
        { ...old, overrides: declared },
      ],
    });
    expect([isOn('web'), isOn('old')]).toEqual(['on', 'on']);
    const without = { components: [{ ...web, overrides: declared }] };
    await visit({ ...without, mode: 'Paused' });
    expect(isOn('old')).toBe('on');
    expect(await visit(without)).toMatchObject({ status: 'True', reason: 'Applied' });
    expect([isOn('web'), isOn('old')]).toEqual(['on', 'off']);
  });

  test('ends it too where the component that is gone was the only one that declared any', async () => {
    const { visit, isOn } = open();
    await visit({ components: [{ ...web, name: 'old', overrides: declared }, rollout] });
    await visit({ components: [rollout] });
    expect(isOn('old')).toBe('off');
  });

  test('ends after a pause what ceased to be declared in it', async () => {
    const { visit, isOn } = open();
    await visit(onlyWeb);
    for (const _ of [1, 2]) expect(await visit({ mode: 'Paused' })).toMatchObject({ reason: 'Paused' });
    expect(isOn()).toBe('on');
    expect(await visit({})).toMatchObject({ reason: 'Off' });
    expect(isOn()).toBe('off');
  });

  test('reads what it puts back, though nothing is declared of a service that is deleted', async () => {
    const { visit, read, say } = open({ released: true });
    say('Applied');
    await visit({ components: [web] });
    expect(read).toEqual(['Deployment']);
  });
});
