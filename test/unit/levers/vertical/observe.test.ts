import { describe, expect, test } from '@jest/globals';
import { resolve, type TargetSeen } from '../../../../operator/decide/resolve.ts';
import { ApiError } from '../../../../operator/kube/api-error.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import { withVpas } from '../../../../operator/levers/vertical/observe.ts';
import { verticalPodAutoscalers, type VpaSpec } from '../../../../operator/levers/vertical/vpa.ts';
import { storedService } from '../../../world/builders.ts';

const targetOf = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name });
const components = ['web', 'worker'].map((name) => ({ name, targetRef: targetOf(name) }));
const targets = new Map<string, TargetSeen>(
  components.map(({ name }) => [name, { kind: 'found', replicas: 2, selector: [] }]),
);
/** Of web and worker, where VerticalApplied last had this reason, and the API server answers so to who asks for VPAs. */
async function standing(
  told: 'Applied' | 'Conflict' | 'VPANotInstalled' | undefined,
  answer: readonly VpaSpec[] | number,
  { isServed = true }: { readonly isServed?: boolean } = {},
) {
  const condition = {
    type: 'VerticalApplied',
    status: told === 'Applied' ? ('True' as const) : ('False' as const),
    message: '',
    lastTransitionTime: '',
    observedGeneration: 1,
  };
  const status = told === undefined ? {} : { conditions: [{ ...condition, reason: told }] };
  const service = storedService({ spec: { components }, status });
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  const list = () => {
    if (typeof answer === 'number')
      return Promise.reject(new ApiError({ verb: 'list', target: '' }, { status: answer, reason: '', message: '' }));
    return Promise.resolve(answer.map((spec, index) => ({ metadata: { name: String(index), uid: '' }, spec })));
  };
  const kube: Partial<Kube> = {
    discover: () => Promise.resolve(isServed ? { resource: verticalPodAutoscalers, subresources: [] } : undefined),
    list: list as unknown as Kube['list'],
  };
  const found = await withVpas(resolution.resolved, kube as Kube, new AbortController().signal);
  return found.map(({ vpa }) => vpa);
}

describe('withVpas()', () => {
  test('expects one that is made in this visit, and asks nobody, where nothing is known to stand in its way', async () => {
    for (const told of [undefined, 'Applied', 'VPANotInstalled'] as const)
      expect(await standing(told, 500)).toEqual(['Sizes', 'Sizes']);
  });

  test('counts only those that are there and size something where they were not in force', async () => {
    const other = { targetRef: targetOf('other') };
    const only = { targetRef: targetOf('web'), updatePolicy: { updateMode: 'Off' } };
    expect(await standing('Conflict', [other, only])).toEqual(['HeldUp', 'HeldUp']);
    expect(await standing('Conflict', [only, { targetRef: targetOf('worker') }])).toEqual(['HeldUp', 'Sizes']);
  });

  test('knows of none where it may not see them, or the kind is gone', async () => {
    for (const status of [403, 404]) expect(await standing('Conflict', status)).toEqual(['HeldUp', 'HeldUp']);
    await expect(standing('Conflict', 503)).rejects.toMatchObject({ status: 503 });
    expect(await standing('Conflict', [], { isServed: false })).toEqual([undefined, undefined]);
  });
});
