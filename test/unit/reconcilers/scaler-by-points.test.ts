import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import type { Kube } from '../../../operator/kube/client.ts';
import { requeueAfter } from '../../../operator/kube/loop.ts';
import type { ComponentFigures } from '../../../operator/metrics/component-figures.ts';
import { deployments } from '../../../operator/reconcilers/kinds.ts';
import { deployment } from '../../world/builders.ts';
import { cpu, openScaler } from './open-scaler.ts';

describe('a scaler by points', () => {
  const timed = (value: number) => ({ value, observedAt: 1_800_000_000_000 });
  const figures = (cpuPercent: number, responseSeconds: number, requestRatePerPod = 80): ComponentFigures => ({
    coveredMs: 60_000,
    podsReady: 2,
    podsAnswered: 2,
    partial: [],
    cpuPercent: timed(cpuPercent),
    memoryPercent: timed(30),
    requestRatePerPod: timed(requestRatePerPod),
    queue: timed(0),
    errorRatio: timed(0),
    histograms: {
      responseTime: {
        bounds: [Infinity],
        counts: Float64Array.of(100),
        sum: 100 * responseSeconds,
        count: 100,
        observedAt: 1_800_000_000_000,
      },
    },
  });
  /** 30 points for response time, 25 for CPU. */
  const busy = figures(90, 2);
  const quiet = figures(5, 0.1, 1);
  const policy = { horizontal: cpu, scaler: { algorithm: 'Score' } } as const;

  /** What the API server was asked, in order: states and floors. */
  async function openScored(overrides: GenerationServiceSpec['overrides'] = policy, refusals: ApiError[] = []) {
    const asked: string[] = [];
    const answer = { name: 'it', uid: 'u', resourceVersion: '99', creationTimestamp: '' };
    const keep: Kube['create'] = (_, manifest) => {
      const { data } = manifest as unknown as { readonly data: Readonly<Record<string, string>> };
      asked.push(`state ${data['state.json']}`);
      return Promise.resolve(answer);
    };
    const answered = () => {
      const refusal = refusals.shift();
      return refusal === undefined ? Promise.resolve(answer) : Promise.reject(refusal);
    };
    const kube: Partial<Kube> = {
      create: keep,
      update: keep,
      apply: (_, manifest) => {
        asked.push(`floor ${JSON.stringify((manifest as { spec?: unknown }).spec)}`);
        return answered();
      },
      discover: () => Promise.resolve({ resource: deployments, subresources: ['scale'] }),
      patch: (_resource, _key, operations) => {
        asked.push(
          `replicas ${JSON.stringify(operations.map((operation) => 'value' in operation && operation.value))}`,
        );
        return answered();
      },
    };
    const stage = await openScaler(cpu, kube);
    await stage.declare({ overrides });
    if (overrides?.horizontal?.mode !== 'Off') await stage.autoscale(2);
    await stage.appear();
    return Object.assign(stage, { asked });
  }

  test('writes down what it is about to do, raises the floor by two, and looks again at its interval', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    expect(await stage.start()()).toEqual(requeueAfter(15_000));
    expect(stage.asked).toEqual([
      expect.stringContaining(`"scaler":{"workflow":{"floor":4,"lastScaledAt":${stage.world.now},"from":2}}`),
      'floor {"minReplicas":4}',
    ]);
    expect(stage.world.told).toEqual([
      'FloorRaised workflow: floor 2 → 4. up 55 of more than 50 (latency 2 > 1: +30, cpu 90 > 80: +25); down 25 of more than 60 (memory 30 < 40: +25).',
    ]);
  });

  test('moves nothing again within its cooldown, after a restart neither, and does after it', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    await stage.start()();
    stage.world.now += 299_000;
    await stage.start()();
    expect(stage.asked).toHaveLength(2);
    expect(stage.looks()?.newest).toMatchObject({ to: 4, reason: 'CoolingDown', heldBy: 'Cooldown' });
    expect(stage.looks()?.newest.nextAt).toBe(stage.world.now + 1_000);
    stage.world.now += 1_000;
    await stage.start()();
    expect(stage.asked.at(-1)).toBe('floor {"minReplicas":6}');
  });

  test('climbs no further than one step while floors are refused, and takes that one when they are not', async () => {
    const refusal = new ApiError(
      { verb: 'apply', target: 'hpa' },
      { status: 403, reason: 'No', message: 'it says no' },
    );
    await using stage = await openScored(policy, [refusal, refusal, refusal]);
    stage.world.figures = busy;
    for (let cooldown = 0; cooldown < 4; cooldown++) {
      await stage.start()();
      stage.world.now += 300_000;
    }
    const floors = stage.asked.filter((request) => request.startsWith('floor'));
    expect(floors).toEqual(floors.map(() => 'floor {"minReplicas":4}'));
    expect(stage.world.told).toHaveLength(1);
  });

  test('comes down by one after the cooldown, and not below what the policy asks for', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    const visit = stage.start();
    await visit();
    stage.world.figures = quiet;
    for (let cooldown = 0; cooldown < 4; cooldown++) {
      stage.world.now += 300_000;
      await visit();
    }
    expect(stage.asked.filter((request) => request.startsWith('floor'))).toEqual(
      [4, 3, 2].map((minReplicas) => `floor ${JSON.stringify({ minReplicas })}`),
    );
  });

  test('lowers nothing while a metric that it needs is missing, and says so', async () => {
    await using stage = await openScored();
    stage.world.figures = busy;
    const visit = stage.start();
    await visit();
    stage.world.now += 300_000;
    const { cpuPercent: _, ...rest } = quiet;
    stage.world.figures = rest;
    await visit();
    expect(stage.asked).toHaveLength(2);
    expect(stage.looks()?.newest).toMatchObject({
      action: 'Hold',
      to: 4,
      reason: 'MetricsStale',
      heldBy: 'MetricsStale',
    });
  });

  test.each([
    { name: 'the scaler is in DryRun', overrides: { ...policy, scaler: { mode: 'DryRun' } } },
    { name: 'the horizontal part is in DryRun', overrides: { ...policy, horizontal: { ...cpu, mode: 'DryRun' } } },
  ] as const)('says what it would do where $name, and does nothing', async ({ overrides }) => {
    await using stage = await openScored(overrides);
    stage.world.figures = busy;
    await stage.start()();
    expect(stage.asked).toEqual([]);
    expect(stage.looks()?.newest).toMatchObject({ action: 'ScaleUp', to: 4, heldBy: 'DryRun' });
  });

  describe('without an HPA', () => {
    /** Two replicas; each attempt to set others meets the next refusal, until there is none left. */
    async function openDirect(...refusals: ApiError[]) {
      const stage = await openScored({ ...policy, horizontal: { mode: 'Off' } }, refusals);
      const scaled = (replicas: number) => stage.put(deployments, deployment('workflow-execution', { replicas }));
      await scaled(2);
      stage.world.figures = busy;
      const steps = () => stage.asked.filter((request) => request.startsWith('replicas'));
      return Object.assign(stage, { scaled, steps });
    }
    test('moves nothing while the HPA that was made before still stands, and says so', async () => {
      await using stage = await openDirect();
      await stage.autoscale(2);
      await stage.start()();
      expect(stage.steps()).toEqual([]);
      expect(stage.looks()?.newest).toMatchObject({ to: 4, heldBy: 'Off', nextAt: undefined });
      expect(stage.decisions.of(stage.service())?.problem).toMatchObject({
        reason: 'Off',
        message: expect.stringMatching(/^saw HorizontalPodAutoscaler ai\/workflow-execution-hpa of before .* or set/),
      });
    });
    const refusal = (status: number): ApiError =>
      new ApiError({ verb: 'patch', target: 'Deployment' }, { status, reason: 'No', message: 'it says no' });

    test.each([500, 422, 403])(
      'takes a step that was refused (%d) with the next look, though its cooldown has begun and the operator with it',
      async (status) => {
        await using stage = await openDirect(refusal(status));
        const began = stage.world.now;
        await stage
          .start()()
          .catch(() => undefined); // where it says what to do about it, that is told
        stage.world.now += 299_000;
        await stage.start()();
        expect(stage.asked).toEqual([
          expect.stringContaining(`"workflow":{"floor":4,"lastScaledAt":${began},"from":2}`),
          'replicas [2,4]',
          'replicas [2,4]',
        ]);
        expect(stage.world.told).toEqual([expect.stringMatching(/^ReplicasRaised workflow: replicas 2 → 4\. up 55 /)]);
      },
    );

    test('takes no step any more that nobody could take within its cooldown', async () => {
      await using stage = await openDirect(refusal(500));
      await stage
        .start()()
        .catch(() => undefined);
      stage.world.now += 300_000;
      stage.world.figures = figures(50, 0.5);
      await stage.start()();
      expect(stage.steps()).toEqual(['replicas [2,4]']);
    });

    test('leaves replicas that somebody sets back by hand where they are, until the cooldown is over', async () => {
      await using stage = await openDirect();
      const visit = stage.start();
      await visit();
      await stage.scaled(4);
      await visit();
      await stage.scaled(2);
      stage.world.now += 299_000;
      await visit();
      expect(stage.steps()).toEqual(['replicas [2,4]']);
      stage.world.now += 1_000;
      await visit();
      expect(stage.steps()).toEqual(['replicas [2,4]', 'replicas [2,4]']);
    });
  });

  test('is none where no layer of the policy says anything of it, or it is off', async () => {
    for (const overrides of [{ horizontal: cpu }, { ...policy, scaler: { mode: 'Off' as const } }]) {
      await using stage = await openScored(overrides);
      stage.world.figures = busy;
      expect(await stage.start()()).not.toEqual(requeueAfter(15_000));
      expect(stage.asked).toEqual([]);
    }
  });
});
