import { expect, test } from '@jest/globals';
import type { Collector } from '../../operator/metrics/collector.ts';
import type { ComponentColumn } from '../../operator/metrics/component-window.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { random } from '../../operator/simulate/random.ts';
import { startService } from '../workload/service-process.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { readyPod } from '../world/ready-pod.ts';
import { eventNotes, startWorld } from '../world/world.ts';
import { declare, keptBefore, key, optimizer, otherRules, poolOf, rulesOf } from './optimizer-world.ts';

const allow = ['127.0.0.0/8'];

type Figures = Readonly<Partial<Record<ComponentColumn, number>>>;

/** What is measured of one Pod, as a test tells it: each second of the last twelve minutes what it said by then, give or take a fiftieth. Its clock goes with that of the reconcilers. */
function toldRows(first: Figures) {
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const said = [{ from: -Infinity, figures: first }];
  const measuring = (collector: Collector): Collector => ({
    ...collector,
    rowsOf(_service, _component, since, columns) {
      const newest = Math.floor(now() / 1_000);
      const seconds = Array.from({ length: 720 }, (_, row) => newest - 719 + row).filter((at) => at * 1_000 > since);
      const valueAt = (second: number, name: ComponentColumn): number => {
        const figures = said.findLast(({ from }) => from <= second * 1_000)?.figures;
        return (figures?.[name] ?? NaN) * (0.98 + 0.04 * random(second)());
      };
      const pods = (name: ComponentColumn): boolean => name === 'podsReady' || name === 'podsAnswered';
      const columnOf = (name: ComponentColumn): Float32Array =>
        Float32Array.from(seconds, (second) => (pods(name) ? 1 : valueAt(second, name)));
      return {
        times: Float64Array.from(seconds, (second) => second * 1_000),
        figures: Object.fromEntries(columns.map((name) => [name, columnOf(name)])) as Readonly<
          Record<(typeof columns)[number], Float32Array>
        >,
      };
    },
  });
  return {
    measuring,
    say: (figures: Figures): void => void said.push({ from: now(), figures }),
    putForward: (ms: number): void => void (aheadMs += ms),
  };
}

test.concurrent(
  'workers without whom answers become slow are given back as soon as that is known, though their CPU fell, and their rule waits four times as long',
  async () => {
    await using world = await startWorld({ operator: false, secrets: ['admin'] });
    await using service = await startService({ ADMIN_KEY: key, POD_NAME: 'first-0' });
    const rows = toldRows({ requestRate: 50, cpuPercent: 90, responseTimeP95: 0.2 });
    await using reconcilers = await startClockedReconcilers(world, { allow, measuring: rows.measuring });
    await declare(world, ['first'], {
      runtime: { pools: { cpu: 8 } },
      optimizer: optimizer({ settle: '1m', rules: otherRules }),
    });
    await readyPod(world, Number(new URL(service.metricsUrl).port), 'first-0', 'first');
    await world.eventually(async () => expect(await poolOf(world)).toBe(6), { withinMs: 60_000 });
    await world.eventually(
      async () => {
        const state = (await world.get(configMaps, 'generation-genops-state'))?.data?.['state.json'] ?? '{}';
        expect(JSON.parse(state)).toMatchObject({ optimizer: { pending: { doneAt: expect.any(Number) } } });
      },
      { withinMs: 60_000 },
    );

    rows.say({ requestRate: 50, cpuPercent: 70, responseTimeP95: 0.5 });
    for (const one of [rows, reconcilers]) one.putForward(70_000);
    const [judged] = await world.eventually(
      async () => {
        const found = await rulesOf(world);
        expect(found).toMatchObject([{ name: 'shed-workers', lastAction: { outcome: 'Worse' } }]);
        return found;
      },
      { withinMs: 60_000 },
    );
    expect(judged?.lastAction?.message).toContain('responseTimeP95');
    await world.eventually(async () => expect(await poolOf(world)).toBe(8), { withinMs: 30_000 });
    await world.eventually(async () =>
      expect(await (await fetch(service.metricsUrl)).text()).toContain('generation_pool_limit{pool="cpu"} 8\n'),
    );
    const { nextEligibleTime = '', lastAction } = judged ?? {};
    expect(Date.parse(nextEligibleTime) - Date.parse(lastAction?.time ?? '')).toBe(4 * 300_000);
    await world.eventually(async () => expect(await eventNotes(world, 'ActionHarmed')).toHaveLength(1));
  },
  180_000,
);

test.concurrent(
  'what helped is given back step by step when it is not needed any more: workers and the memory limit, one step each five minutes',
  async () => {
    await using world = await startWorld({ operator: false, secrets: ['admin'] });
    await using service = await startService({ ADMIN_KEY: key, POD_NAME: 'first-0' });
    const mebibytes = 2 ** 20;
    const resources = (memory: string) => ({
      requests: { cpu: '10m', memory: '64Mi' },
      limits: { cpu: '100m', memory },
    });
    const room = {
      name: 'room',
      when: { metric: 'memoryPercent', operator: 'GreaterThan', value: '90' },
      action: 'RaiseMemoryLimit',
      bounds: { step: '100Mi', max: '500Mi' },
    } as const;
    await declare(world, ['first'], {
      runtime: { pools: { cpu: 8 } },
      resources: { mode: 'Enforce', ...resources('300Mi') },
      optimizer: optimizer({ rules: [...otherRules, room] }),
    });
    const taken = { changedAt: Date.now(), waitMs: 300_000 };
    const raised = [400, 500].map((size) => ({ rule: 'room', bytes: size * mebibytes }));
    await keptBefore(world, 'generation', {
      optimizer: {
        records: {},
        acts: [],
        reductions: { first: { ...taken, steps: ['shed-workers', 'shed-workers'] } },
        raises: { first: { ...taken, steps: raised } },
      },
    });
    const rows = toldRows({ requestRate: 50, cpuPercent: 50, memoryPercent: 20, memoryBytes: 100 * mebibytes });
    await using reconcilers = await startClockedReconcilers(world, { allow, measuring: rows.measuring });
    await readyPod(world, Number(new URL(service.metricsUrl).port), 'first-0', 'first', resources('500Mi'));
    const inForce = async (cpu: number, memory: string): Promise<void> => {
      expect(await poolOf(world)).toBe(cpu);
      expect((await world.get(podResource, 'first-0'))?.spec.containers).toMatchObject([
        { resources: { limits: { memory } } },
      ]);
    };
    const given = async () => [
      ...(await eventNotes(world, 'WorkersGivenBack')),
      ...(await eventNotes(world, 'MemoryLimitGivenBack')),
    ];
    await world.eventually(() => inForce(4, '500Mi'), { withinMs: 30_000 });
    expect(await given()).toEqual([]);

    for (const one of [rows, reconcilers]) one.putForward(300_000);
    await world.eventually(() => inForce(6, '400Mi'), { withinMs: 60_000 }); // no visit gives back both: the workers had a second one
    const firstSteps = ['first: cpuPool.threads 2 → 3, pools.cpu 4 → 6', 'first: 500Mi → 400Mi'];
    await world.eventually(async () => expect(await given()).toEqual(firstSteps));

    for (const one of [rows, reconcilers]) one.putForward(300_000);
    await world.eventually(() => inForce(8, '300Mi'), { withinMs: 60_000 });
    await world.eventually(async () =>
      expect((await given()).toSorted()).toEqual(
        [...firstSteps, 'first: cpuPool.threads 3 → 4, pools.cpu 6 → 8', 'first: 400Mi → 300Mi'].toSorted(),
      ),
    );
    await world.eventually(async () =>
      expect(await (await fetch(service.metricsUrl)).text()).toContain('generation_pool_limit{pool="cpu"} 8\n'),
    );
  },
  180_000,
);
