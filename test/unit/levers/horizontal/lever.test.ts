import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../../operator/api/generation-service.ts';
import { resolve, type Resolved, type TargetSeen } from '../../../../operator/decide/resolve.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import { createOwnWrites } from '../../../../operator/kube/own-writes.ts';
import { targetKey, type HpaSpec, type HpaView } from '../../../../operator/levers/horizontal/hpa.ts';
import { horizontal, type HorizontalDeps } from '../../../../operator/levers/horizontal/lever.ts';
import { orphansOf } from '../../../../operator/levers/horizontal/orphan.ts';
import {
  apply,
  observe,
  planAll,
  type AnyLever,
  type LeverMemory,
  type UnitResult,
} from '../../../../operator/levers/run.ts';
import { storedService } from '../../../world/builders.ts';

const never = new AbortController().signal;
const web = { name: 'web', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } };

const found: TargetSeen = { kind: 'found', replicas: 2, selector: [] };

function resolved(spec: Partial<GenerationServiceSpec> = {}, target = found): Resolved {
  const service = storedService({ metadata: { uid: 'service-uid' }, spec: { components: [web], ...spec } });
  const targets = new Map<string, TargetSeen>(service.spec.components.map(({ name }) => [name, target]));
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

const owner = { apiVersion: '', kind: 'GenerationService', name: 'generation', uid: 'service-uid', controller: true };
/** An HPA that we made. */
const made = (name: string, target: string): HpaView => ({
  namespace: 'ai',
  name,
  uid: `uid of ${name}`,
  controller: owner,
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
    minReplicas: 2,
    maxReplicas: 20,
  },
  isFloorOurs: true,
});

/** An API server that takes everything, and a cache that shows just these HPAs and nothing of what is sent. */
function openLever(hpas: readonly HpaView[] = []) {
  const sent: unknown[] = [];
  const deleted: unknown[] = [];
  const kube: Partial<Kube> = {
    delete: (_, key, { uid }) => {
      deleted.push({ key, uid });
      return Promise.resolve();
    },
    apply: (_, { metadata: { name }, spec }) => {
      sent.push(spec);
      return Promise.resolve({ name, uid: name, resourceVersion: '2', creationTimestamp: '' });
    },
  };
  const collection: Pick<HorizontalDeps['hpas'], 'by'> = {
    by: (index, of) =>
      hpas.filter(({ namespace, controller, spec }) =>
        index === 'controller' ? controller?.uid === of : targetKey(namespace, spec.scaleTargetRef) === of,
      ),
  };
  const hpaWrites = createOwnWrites<HpaSpec>({ hasSeen: () => false });
  const floorWrites = createOwnWrites<number>({ hasSeen: () => false });
  const lever: AnyLever = horizontal({
    kube: kube as Kube,
    hpas: collection as HorizontalDeps['hpas'],
    hpaWrites,
    floorWrites,
    podsOf: () => [],
  });
  const visit = async (service: Resolved): Promise<readonly UnitResult[]> => {
    const observations = await observe([lever], service, never);
    return apply(planAll(observations, { memory: {}, now: 0, verb: 'plan' }), () => true, never);
  };
  const looked = async (service = resolved(), memory: LeverMemory = {}) =>
    (await observe([lever], service, never, memory)).map(({ seen }) => seen.kind === 'seen' && seen.value);
  return { sent, deleted, visit, floorWrites, looked };
}

describe('the horizontal lever', () => {
  test('sends an HPA once, however often it looks before the cache shows it, and counts it once', async () => {
    const { sent, visit } = openLever();
    const outcomes = [...(await visit(resolved())), ...(await visit(resolved()))].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['applied', 'nothing']);
    expect(sent).toMatchObject([{ minReplicas: 2, maxReplicas: 20 }]);
  });
  test('looks at the floor that the scaler wrote a moment ago, and the cache does not show: one that was lent goes back', async () => {
    const { floorWrites, looked } = openLever([{ ...made('generation-web-hpa', 'web'), isFloorOurs: false }]);
    const now = [{ hpas: [{ spec: { minReplicas: 7 }, isFloorOurs: true }] }];
    floorWrites.begin('ai/generation-web-hpa', 7); // and nobody has answered yet
    expect(await looked()).toMatchObject(now);
    floorWrites.end('ai/generation-web-hpa', { resourceVersion: '2' });
    expect(await looked()).toMatchObject(now);
    const off = resolved({ overrides: { horizontal: { mode: 'Off' } } });
    const lent = { 'horizontal/web': { originals: { floorOf: 'uid of generation-web-hpa', floor: '1' } } };
    expect(await looked(off, lent)).toMatchObject(now);
  });
});

describe('an HPA of a component that is gone', () => {
  const orphan = made('generation-gone-hpa', 'gone');
  test('is deleted, just this one, and that is told and counted like any other change', async () => {
    const { deleted, visit } = openLever([orphan]);
    const results = await visit(resolved());
    expect(deleted).toEqual([{ key: 'ai/generation-gone-hpa', uid: 'uid of generation-gone-hpa' }]);
    expect(
      results.map(({ plan: { unit, changes }, outcome }) => ({ unit: unit.name, changes, outcome })),
    ).toMatchObject([
      { unit: 'web' },
      {
        unit: 'generation-gone-hpa',
        changes: [{ differences: [{ field: 'HorizontalPodAutoscaler', from: 'generation-gone-hpa', to: '(none)' }] }],
        outcome: 'applied',
      },
    ]);
  });

  test('is deleted too where an older service has the target, and stays where the target is only not there', async () => {
    const { deleted, visit } = openLever([made('generation-web-hpa', 'web')]);
    await visit(resolved({}, { kind: 'notFound' }));
    expect(deleted).toEqual([]);
    await visit(resolved({}, { kind: 'claimed', by: 'ai/older' }));
    expect(deleted).toMatchObject([{ key: 'ai/generation-web-hpa' }]);
  });

  const dryRun = { overrides: { horizontal: { mode: 'DryRun' } } } as const;
  test.each<{ readonly name: string; readonly spec: Partial<GenerationServiceSpec>; readonly reason: string }>([
    { name: 'the service only reports', spec: { mode: 'DryRun' }, reason: 'DryRun' },
    { name: 'the service is paused', spec: { mode: 'Paused' }, reason: 'DryRun' },
    { name: 'the lever only reports', spec: dryRun, reason: 'DryRun' },
    { name: 'the lever is off', spec: { overrides: { horizontal: { mode: 'Off' } } }, reason: 'Off' },
  ])('stays while $name, and the condition says so', async ({ spec, reason }) => {
    const { deleted, visit } = openLever([orphan]);
    const result = (await visit(resolved(spec))).find(({ plan }) => plan.unit.name === orphan.name);
    expect(deleted).toEqual([]);
    expect(result?.condition).toMatchObject({ reason, message: expect.stringContaining(orphan.name) });
  });

  test.each<{ readonly name: string; readonly hpas: readonly HpaView[]; readonly orphans: readonly string[] }>([
    { name: 'the HPA of a component', hpas: [made('web-hpa', 'web')], orphans: [] },
    { name: 'the HPA of a component under the name that it had before', hpas: [made('old-hpa', 'web')], orphans: [] },
    { name: 'an HPA that is about to be aimed elsewhere', hpas: [made('web-hpa', 'before')], orphans: [] },
    {
      name: 'an HPA whose component has the HPA of one that is gone',
      hpas: [made('web-hpa', 'before'), made('old-hpa', 'web')],
      orphans: ['web-hpa'],
    },
    { name: 'an HPA of no component', hpas: [made('old-hpa', 'gone')], orphans: ['old-hpa'] },
    {
      name: 'a second HPA for one target',
      hpas: [made('web-hpa', 'web'), made('old-hpa', 'web')],
      orphans: ['old-hpa'],
    },
  ])('is told from the others: $name', ({ hpas, orphans }) => {
    const components = [{ hpaName: 'web-hpa', targetRef: web.targetRef }];
    expect(orphansOf(hpas, components).map(({ name }) => name)).toEqual(orphans);
  });
});
