import { expect, test } from '@jest/globals';
import { hashNumber } from '../../operator/api/runtime-hash.ts';
import { configMaps, generationServices } from '../../operator/reconcilers/kinds.ts';
import { generationService } from '../world/builders.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { readyPod } from '../world/ready-pod.ts';
import { eventNotes, expectCondition, startWorld, type World } from '../world/world.ts';
import {
  declare,
  flags,
  keptBefore,
  key,
  measuredBefore,
  optimizer,
  readItems,
  rules,
  rulesOf,
  startHolder,
} from './optimizer-world.ts';

/** As a person does who has read what the condition says. */
async function approve(world: World): Promise<void> {
  const value = await world.eventually(
    async () => {
      const { message } = expectCondition(await world.service(), 'OptimizerActive', { status: 'True' });
      const found = /genops\.dev\/approve=(\w+)/.exec(message)?.[1];
      expect(found).toBeDefined();
      return found ?? '';
    },
    { withinMs: 60_000 },
  );
  const { metadata } = generationService({}, { annotations: { 'genops.dev/approve': value } });
  const options = { manager: 'approver', force: true };
  const about = { metadata: { ...metadata, namespace: world.namespace } };
  await world.kube.apply(generationServices, about, options, world.signal);
}

test.concurrent(
  'defects of the reference workload: what a rule does about each is done once and measured; what helps is called so, and what does not backs off',
  async () => {
    await using world = await startWorld({ operator: false, redis: [{}] });
    const env = { ADMIN_KEY: key, REDIS_HOST: '127.0.0.1', REDIS_PORT: String(world.redis[0]?.port) };
    await using littered = await startService({ ...env, POD_NAME: 'first-0', DEFECT_GARBAGE_MB: '200' });
    await using leaking = await startService({ ...env, POD_NAME: 'other-0', DEFECT_LEAK_KB: '10000' });
    await using cold = await startService({ ...env, POD_NAME: 'third-0', DEFECT_COLD_CACHE: '1', ITEM_LOAD_MS: '300' });
    for (let count = 0; count < 20; count += 1) await fetch(`${leaking.url}/api/item/1`);
    await using stack = new AsyncDisposableStack();
    stack.use(readItems(cold));
    await using _ = await startClockedReconcilers(world, { allow: ['127.0.0.0/8'], measuring: measuredBefore });
    await declare(world, ['first', 'other', 'third'], {
      runtime: { cache: { warming: { hotAfterReads: 10_000 } } },
      optimizer: optimizer({
        rules: [
          { name: 'gc-on-memory', when: { value: '180Mi' } },
          { name: 'shed-workers', mode: 'Off' },
          { name: 'clear-expired', when: { metric: 'cacheHitRatio', operator: 'LessThan', value: '0.6' } }, // is looked at before warm-cache, which leaves it nothing to do
        ],
      }),
    });
    await world.eventually(async () =>
      expectCondition(await world.service(), 'OptimizerActive', { status: 'Unknown', reason: 'Pending' }),
    );
    const portOf = ({ metricsUrl }: ServiceProcess): number => Number(new URL(metricsUrl).port);
    await readyPod(world, portOf(littered), 'first-0', 'first');
    await readyPod(world, portOf(leaking), 'other-0', 'other');
    await readyPod(world, portOf(cold), 'third-0', 'third');

    const judged = await world.eventually(
      async () => {
        const found = (await rulesOf(world)).filter(({ lastAction }) => lastAction?.outcome !== undefined);
        expect(found).toHaveLength(4);
        return found.toSorted((a, b) => `${a.component} ${a.name}`.localeCompare(`${b.component} ${b.name}`));
      },
      { withinMs: 120_000 },
    );
    const told = judged.map(({ component, name, lastAction }) =>
      [component, name, `${lastAction?.outcome}:`, lastAction?.message].join(' '),
    );
    expect(told).toEqual([
      expect.stringMatching(/^first gc-on-memory Improved: memory [\d.]+Mi > 180Mi; [12]\d\dMi freed in 1 of 1 Pods; /),
      expect.stringMatching(/^other gc-on-memory (NoEffect|Inconclusive): memory [\d.]+Mi > 180Mi; [\d.]+Mi freed /),
      expect.stringMatching(
        /^third clear-expired (NoEffect|Inconclusive|Worse): cacheHitRatio 0 < 0.6; \d+ entries cleared in 1 of 1/,
      ),
      expect.stringMatching(
        /^third warm-cache Improved: cacheHitRatio 0 < 0.6; \d+ keys warm in 1 of 1 Pods; cacheHitRatio 0 before, /,
      ),
    ]);
    const { before = '', after = '' } = judged[0]?.lastAction ?? {};
    expect(parseFloat(before) - parseFloat(after)).toBeGreaterThan(100); // of 200Mi
    const waits = judged.map(
      ({ lastAction, nextEligibleTime = '' }) => Date.parse(nextEligibleTime) - Date.parse(lastAction?.time ?? ''),
    );
    expect(waits).toEqual([300_000, 600_000, expect.any(Number), 600_000]);
    expect(waits[2]).toBeGreaterThanOrEqual(600_000);
    const collections = async (service: ServiceProcess) => (await service.log()).split('garbage collected').length - 1;
    expect([await collections(littered), await collections(leaking), await collections(cold)]).toEqual([1, 1, 0]);

    expectCondition(await world.service(), 'OptimizerActive', { status: 'True', reason: 'Active' });
    await world.eventually(async () => {
      expect(await eventNotes(world, 'ActionTaken')).toHaveLength(4);
      expect((await eventNotes(world, 'ActionHelped')).toSorted()).toEqual([
        expect.stringMatching(
          /^gc-on-memory on first, CollectGarbage: Improved: memory [\d.]+Mi before, [\d.]+Mi after; without it [\d.]+Mi/,
        ),
        expect.stringMatching(/^warm-cache on third, WarmPopularCache: Improved: cacheHitRatio 0 before/),
      ]);
      expect(await eventNotes(world, 'ActionDidNotHelp')).toContainEqual(
        expect.stringContaining('gc-on-memory on other'),
      );
    });
  },
  240_000,
);

test.concurrent(
  'an operator that is killed while an action is at work does not make it again, and says that nobody can tell',
  async () => {
    await using world = await startWorld({ operator: flags, secrets: ['admin'] });
    await using holder = await startHolder({ ANSWER: 'never', POD_NAME: 'first-0' });
    await declare(world, ['first'], { optimizer: optimizer() });
    await readyPod(world, holder.port, 'first-0', 'first');
    await world.eventually(async () => expect(await holder.asked()).toBe(1), { withinMs: 60_000 });
    await world.operator.kill();
    const state = await world.get(configMaps, 'generation-genops-state');
    expect(JSON.parse(state?.data?.['state.json'] ?? '{}')).toMatchObject({
      optimizer: { pending: { rule: 'gc-on-memory' } },
    });
    expect(await eventNotes(world, 'ActionTaken')).toEqual([]);

    await world.restartOperator(flags);
    await world.eventually(async () =>
      expect(await rulesOf(world)).toMatchObject([
        { name: 'gc-on-memory', lastAction: { outcome: 'Inconclusive' }, backoffMultiplier: 2 },
      ]),
    );
    await world.eventually(
      async () => expectCondition(await world.service(), 'OptimizerActive', { status: 'True', reason: 'Active' }),
      { withinMs: 30_000 },
    );
    expect(await holder.asked()).toBe(1);
  },
  120_000,
);

const harmed = (...by: readonly string[]) => ({
  records: Object.fromEntries(
    by.map((rule) => [
      `workflow/${rule}`,
      {
        actedAt: Date.now(),
        nextAt: Date.now(),
        backoff: 4,
        outcome: 'Worse',
        metric: 'memory',
        judged: 1,
        improved: 0,
      },
    ]),
  ),
  acts: [],
});
/** For an hour an objective was not met. */
const burnt = () => ({
  countedUntil: Math.floor(Date.now() / 1_000),
  minutes: { Memory: '61*0/60' },
  hours: { Memory: '2*0/3600' },
});

test.concurrent(
  'workers stay while actions do harm elsewhere and while the error budget burns; they are reduced when a person approves it, through the settings of the Pods, which all run with them before anything is judged; and until their rule is off',
  async () => {
    await using world = await startWorld({ operator: false, secrets: ['admin'] });
    await using service = await startService({ ADMIN_KEY: key, POD_NAME: 'first-0' });
    const rule = {
      name: 'shed',
      mode: 'DryRun',
      when: { metric: 'memory', operator: 'GreaterThan', value: '20Mi' },
      action: 'ReduceWorkers',
    } as const;
    const others = rules.map((name) => ({ name, mode: 'Off' as const }));
    const runtime = { cpuPool: { threads: 8 } };
    const threads = async (): Promise<unknown> => {
      const text = (await world.get(configMaps, 'generation-first-runtime'))?.data?.['settings.json'] ?? '{}';
      return (JSON.parse(text) as { cpuPool?: { threads: number } }).cpuPool?.threads;
    };
    const declared = { runtime, optimizer: optimizer({ rules: [...others, rule] }) };
    await declare(world, ['first'], declared);
    await keptBefore(world, 'generation', { rollUps: burnt() });
    await keptBefore(world, 'one', { optimizer: harmed('gc', 'shed') });
    await keptBefore(world, 'two', { optimizer: harmed('gc') });
    await world.restartOperator(flags);
    await readyPod(world, Number(new URL(service.metricsUrl).port), 'first-0', 'first');
    const held = (reason: string) =>
      world.eventually(
        async () => expectCondition(await world.service(), 'OptimizerActive', { status: 'False', reason }),
        { withinMs: 60_000 },
      );
    expect((await held('Braked')).message).toContain('harm in several services within the hour, and shed on first');
    await world.delete(configMaps, 'two-genops-state');
    expect((await held('BudgetBurning')).message).toContain('an error budget that burns fast, and shed on first');
    await declare(world, ['first'], { ...declared, objectives: { onFastBurn: 'Ignore' } });
    await approve(world);

    await world.eventually(async () => expect(await threads()).toBe(6), { withinMs: 60_000 });
    await world.eventually(
      async () => {
        expect(await rulesOf(world)).toMatchObject([
          { name: 'shed', component: 'first', lastAction: { outcome: 'Inconclusive' } },
        ]);
        const { message } = expectCondition(await world.service(), 'OptimizerActive', {
          status: 'True',
          reason: 'Active',
        });
        expect(message).toContain('Workers are reduced: first by a quarter.');
      },
      { withinMs: 60_000 },
    );
    expect(await eventNotes(world, 'ActionTaken')).toEqual([
      expect.stringMatching(/^shed on first, ReduceWorkers: memory [\d.]+Mi > 20Mi: cpuPool.threads 8 → 6/),
    ]);
    const { runtime: running } = (await world.service()).status?.components?.[0] ?? {};
    expect(await (await fetch(service.metricsUrl)).text()).toContain(
      `generation_runtime_config_hash ${hashNumber(running?.hash ?? '')}\n`,
    );

    await declare(world, ['first'], {
      runtime,
      optimizer: optimizer({ rules: [...others, { ...rule, mode: 'Off' }] }),
    });
    await world.eventually(async () => expect(await threads()).toBe(8), { withinMs: 60_000 });
    await world.eventually(async () =>
      expect(await eventNotes(world, 'WorkersGivenBack')).toEqual([
        expect.stringMatching(/^first: cpuPool.threads 6 → 8/),
      ]),
    );
  },
  150_000,
);

test.concurrent(
  'what is only to be told passes once when a person approves it, and what has nobody to ask is said in the condition',
  async () => {
    await using world = await startWorld({ operator: flags, secrets: ['admin'] });
    await using holder = await startHolder({ POD_NAME: 'first-0' });
    await declare(world, ['first'], { optimizer: optimizer({ mode: 'DryRun' }) });
    await readyPod(world, holder.port, 'first-0', 'first');
    await world.eventually(
      async () => {
        const { message } = expectCondition(await world.service(), 'OptimizerActive', {
          status: 'True',
          reason: 'DryRun',
        });
        expect(message).toContain('Would act now: gc-on-memory (CollectGarbage on first).');
      },
      { withinMs: 30_000 },
    );
    await approve(world);
    await world.eventually(async () => expect(await holder.asked()).toBe(1));
    await world.eventually(async () =>
      expect(await rulesOf(world)).toMatchObject([{ name: 'gc-on-memory', lastAction: { outcome: 'Inconclusive' } }]),
    );
    await world.apply(
      generationService({
        overrides: {
          collector: { interval: '1s', timeout: '1s' },
          horizontal: { mode: 'Off' },
          optimizer: optimizer(),
        },
        components: [{ name: 'first', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'first' } }],
      }),
    );
    await world.eventually(
      async () => {
        const { message } = expectCondition(await world.service(), 'OptimizerActive', {
          status: 'True',
          reason: 'Active',
        });
        expect(message).toContain(
          'Skipped, since components[].admin says nothing of how to ask its Pods: gc-on-memory on first.',
        );
      },
      { withinMs: 30_000 },
    );
    expect(await holder.asked()).toBe(1);
  },
  120_000,
);
