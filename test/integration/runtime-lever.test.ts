import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hashNumber } from '../../operator/api/runtime-hash.ts';
import type { RuntimeSettings } from '../../operator/api/runtime-settings.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { configMaps, generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { workloadManifests } from '../workload/manifests.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { readyPod } from '../world/ready-pod.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';
import { listening } from './source-world.ts';

const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];
const configMap = 'generation-workflow-runtime';
const collector = { interval: '1s', timeout: '1s' };

type Runtime = NonNullable<NonNullable<GenerationServiceSpec['overrides']>['runtime']>;
const declare = (world: World, runtime: Runtime, annotations: Readonly<Record<string, string>> = {}) =>
  world.apply(generationService({ overrides: { runtime, collector, horizontal: { mode: 'Off' } } }, { annotations }));

async function written(world: World): Promise<RuntimeSettings> {
  const text = (await world.get(configMaps, configMap))?.data?.['settings.json'];
  if (text === undefined) throw new Error(`no settings in ConfigMap ${configMap}`);
  return JSON.parse(text) as RuntimeSettings;
}

/** A Pod that says what it runs with, as the runtime library does. */
async function sayingPod(world: World, name: string) {
  let hash: string | undefined;
  const page = await listening((_, response) => {
    const gauge = hash === undefined ? '' : `generation_runtime_config_hash ${hashNumber(hash)}\n`;
    response.end(`process_resident_memory_bytes 1000000\n${gauge}`);
  });
  await readyPod(world, page.port, name);
  return { says: (next: string) => void (hash = next), [Symbol.asyncDispose]: () => page[Symbol.asyncDispose]() };
}

describe('runtime settings', () => {
  test('are pushed to Pods with an admin port, which have no volume at all; one that does not take them is named', async () => {
    const key = 'a secret of sixteen or more';
    await using world = await startWorld({ operator: flags, secrets: ['admin'] });
    await world.apply(deployment());
    await using stack = new AsyncDisposableStack();
    const start = async (pod: string, ADMIN_KEY: string) => stack.use(await startService({ ADMIN_KEY, POD_NAME: pod }));
    const [first, other, second] = await Promise.all([
      start('workflow-0', key),
      start('workflow-1', `not ${key}`),
      start('workflow-2', key),
    ]);
    const portOf = ({ metricsUrl }: ServiceProcess): number => Number(new URL(metricsUrl).port);
    await readyPod(world, portOf(first), 'workflow-0');
    await readyPod(world, portOf(other), 'workflow-1');
    const declared = (io: number) => {
      const { spec, ...rest } = generationService({
        overrides: { runtime: { pools: { io } }, collector, horizontal: { mode: 'Off' } },
      });
      const admin = { port: 'metrics', scheme: 'HTTP', secretRef: { name: 'admin' } };
      return world.apply({ ...rest, spec: { ...spec, components: spec.components.map((one) => ({ ...one, admin })) } });
    };
    const says = (status: 'True' | 'False', reason: string, message: string) =>
      world.eventually(async () => {
        const condition = expectCondition(await world.service(), 'RuntimeApplied', { status, reason });
        expect(condition.message).toContain(message);
      });
    const runs = async ({ metricsUrl }: ServiceProcess) => {
      const page = await (await fetch(metricsUrl)).text();
      return Number(/^generation_runtime_config_hash (\d+)$/m.exec(page)?.[1]);
    };

    await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'admin' }, stringData: { key } });
    await declared(21);
    await says('False', 'PodsBehind', '401: not signed with the key of this workload');
    await world.eventually(async () => expect(await runs(first)).toBe(hashNumber((await written(world)).hash))); // it may be seen later
    expect(await runs(other)).toBe(0);

    await world.delete(podResource, 'workflow-1');
    await readyPod(world, portOf(second), 'workflow-2');
    await says('True', 'Applied', 'All 2 Pods run with the settings');
    await declared(22);
    const { hash } = await world.eventually(async () => {
      const settings = await written(world);
      expect(settings.pools).toMatchObject({ io: 22 });
      return settings;
    });
    await says('True', 'Applied', `All 2 Pods run with the settings ${hash}`);
    for (const pod of [first, second]) expect(await runs(pod)).toBe(hashNumber(hash));
    expect((await world.service()).status?.components?.[0]?.runtime).toEqual({ hash, podsCurrent: 2, podsTotal: 2 });
  });

  test('are written, are in force once every Pod says so, follow the policy, and outlive a restart without a word', async () => {
    await using world = await startWorld({ operator: flags });
    await world.apply(deployment());
    await using first = await sayingPod(world, 'workflow-0');
    await using second = await sayingPod(world, 'workflow-1');
    await declare(world, { pools: { ai_api: 7 } });

    const settings = await world.eventually(() => written(world));
    expect(settings).toMatchObject({ version: 1, pools: { ai_api: 7, io: 20, cpu: 2 }, batch: { maxWaitMs: 100 } });
    const silent = { status: 'False', reason: 'PodsBehind' } as const;
    await world.eventually(async () => {
      const { message } = expectCondition(await world.service(), 'RuntimeApplied', silent);
      expect(message).toContain('workflow-0 says none, workflow-1 says none'); // they were looked at one after the other
    });
    expectCondition(await world.service(), 'Ready', { status: 'False', reason: 'PodsBehind' });

    first.says(settings.hash);
    const runtime = { hash: settings.hash, podsTotal: 2 };
    await world.eventually(async () =>
      expect((await world.service()).status?.components?.[0]?.runtime).toEqual({ ...runtime, podsCurrent: 1 }),
    );
    second.says(settings.hash);
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RuntimeApplied', { status: 'True', reason: 'Applied' }),
    );
    expect((await world.service()).status?.components?.[0]?.runtime).toEqual({ ...runtime, podsCurrent: 2 });

    await declare(world, { pools: { ai_api: 8 } });
    await world.eventually(async () => expect((await written(world)).pools).toMatchObject({ ai_api: 8 }));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RuntimeApplied', { status: 'False', reason: 'PodsBehind' }),
    );
    const { hash } = await written(world);
    first.says(hash);
    second.says(hash);
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));

    const { metadata } = await world.service();
    await world.restartOperator(flags);
    await world.eventually(async () =>
      expect(
        await world.operator.counter('genops_reconcile_total', {
          controller: 'generation-service',
          result: 'success',
        }),
      ).toBeGreaterThan(0),
    );
    await world.consistently(
      async () => expect((await world.service()).metadata.resourceVersion).toBe(metadata.resourceVersion),
      5_000,
    );
  });

  test('that somebody edits are put back and counted as drift; the ConfigMap goes with its service', async () => {
    await using world = await startWorld({ operator: flags });
    await world.apply(deployment());
    await declare(world, { pools: { io: 20 } });
    const { hash } = await world.eventually(() => written(world));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RuntimeApplied', { status: 'True', reason: 'Applied' }),
    );
    const edited = JSON.stringify({ version: 1, hash, pools: { io: 1 } });
    await world.kube.patch(
      configMaps,
      `${world.namespace}/${configMap}`,
      [
        { op: 'replace', path: '/data/settings.json', value: edited },
        { op: 'add', path: '/data/notes', value: 'of somebody else' },
        { op: 'add', path: '/metadata/annotations', value: { 'example.com/note': 'kept' } },
      ],
      { manager: 'kubectl-edit' },
      world.signal,
    );
    await declare(world, { pools: { io: 20 } }, { 'genops.dev/visit': '1' }); // it is looked at once a minute
    await world.eventually(async () => expect((await written(world)).pools).toMatchObject({ io: 20 }));
    await world.eventually(async () =>
      expect(await world.operator.counter('genops_drift_total', { lever: 'runtime' })).toBeGreaterThan(0),
    );
    expect(await world.get(configMaps, configMap)).toMatchObject({
      metadata: { annotations: { 'example.com/note': 'kept' } },
      data: { notes: 'of somebody else' },
    });

    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(configMaps, configMap)).toBeUndefined());
  });

  test('that were edited but for their hash are not what Pods are said to run with, and who can be told gets the declared ones', async () => {
    const key = 'a secret of sixteen or more';
    await using world = await startWorld({ operator: flags, secrets: ['admin'] });
    await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'admin' }, stringData: { key } });
    await world.apply(deployment());
    const folder = await mkdtemp(path.join(tmpdir(), 'genops-runtime-lever-'));
    await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
    const file = path.join(folder, 'settings.json'); // its volume, and this test its kubelet
    await using pod = await startService({ ADMIN_KEY: key, POD_NAME: 'workflow-0', RUNTIME_SETTINGS: file });
    await readyPod(world, Number(new URL(pod.metricsUrl).port), 'workflow-0');
    const overrides = { runtime: { pools: { ai_api: 12 } }, collector, horizontal: { mode: 'Off' } } as const;
    const { spec, ...rest } = generationService({ overrides });
    await world.apply({ ...rest, spec });
    const says = (status: 'True' | 'False', reason: string, message: string) =>
      world.eventually(async () => {
        const condition = expectCondition(await world.service(), 'RuntimeApplied', { status, reason });
        expect(condition.message).toContain(message);
      });
    const limit = async () => {
      const page = await (await fetch(pod.metricsUrl)).text();
      return Number(/^generation_pool_limit\{pool="ai_api"\} (\d+)$/m.exec(page)?.[1]);
    };
    const { hash } = await world.eventually(() => written(world));
    const text = (await world.get(configMaps, configMap))?.data?.['settings.json'] ?? '';
    await writeFile(file, text);
    await says('True', 'Applied', `with the settings ${hash}`);

    await writeFile(file, text.replace('"ai_api": 12', '"ai_api": 888'));
    await world.eventually(async () => expect(await limit()).toBe(888));
    await says('False', 'PodsBehind', 'workflow-0 runs ');
    const admin = { port: 'metrics', scheme: 'HTTP', secretRef: { name: 'admin' } };
    await world.apply({ ...rest, spec: { ...spec, components: spec.components.map((one) => ({ ...one, admin })) } });
    await says('True', 'Applied', `with the settings ${hash}`);
    expect(await limit()).toBe(12);
  });

  test('are not written over a ConfigMap of somebody else', async () => {
    await using world = await startWorld({ operator: flags });
    await world.apply(deployment());
    const data = { 'settings.json': 'mine' };
    await world.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: configMap }, data });
    await declare(world, { pools: { io: 20 } });
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'RuntimeApplied', { status: 'False', reason: 'Conflict' }),
    );
    expect(message).toContain(`ConfigMap ${world.namespace}/${configMap}`);
    expectCondition(await world.service(), 'Stalled', { status: 'True', reason: 'Conflict' });
    expect((await world.get(configMaps, configMap))?.data).toEqual(data);
  });

  test('are only told of in DryRun, left alone when Off, and nobody’s business where nobody declared them', async () => {
    await using world = await startWorld({ operator: flags });
    await world.apply(deployment());
    await declare(world, { mode: 'DryRun' });
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'RuntimeApplied', { status: 'True', reason: 'DryRun' }),
    );
    expect(message).toContain('runtime.pools.ai_api = 5');
    await declare(world, { mode: 'Off' });
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RuntimeApplied', { status: 'True', reason: 'Off' }),
    );
    await world.apply(generationService({ overrides: { horizontal: { mode: 'Off' } } }));
    await world.eventually(async () => {
      const { status } = await world.service();
      expectCondition(await world.service(), 'Ready', { status: 'True', reason: 'Reconciled' });
      expect(status?.conditions?.map(({ type }) => type)).not.toContain('RuntimeApplied');
    });
    expect(await world.get(configMaps, configMap)).toBeUndefined();
  });
});

test('the reference workload runs with its settings on a real node, and with the next ones without a restart', async () => {
  await clusterTools(['workload', 'redis'], AbortSignal.timeout(100_000));
  await using world = await startWorld({ operator: ['--no-leader-elect'] });
  for (const manifest of await workloadManifests(world.namespace)) await world.apply(manifest);
  const pods = async () => {
    const all = await world.kube.list(podResource, { namespace: world.namespace }, world.signal);
    return all.filter(({ metadata }) => metadata.name.startsWith('workflow-execution'));
  };
  /** What a Pod has mounted is looked at once in a minute, or at once when it is touched. */
  const touch = async (why: string) => {
    const annotations = [{ op: 'add', path: '/metadata/annotations', value: { 'test/touched': why } }] as const;
    for (const { metadata } of await pods())
      await world.kube.patch(podResource, `${world.namespace}/${metadata.name}`, annotations, {}, world.signal);
  };
  const isInForce = async (aiApi: number) => {
    const { pools, hash } = await written(world);
    expect(pools).toMatchObject({ ai_api: aiApi });
    await touch(hash);
    expectCondition(await world.service(), 'RuntimeApplied', { status: 'True', reason: 'Applied' });
    expect((await world.service()).status?.components?.[0]?.runtime).toEqual({ hash, podsCurrent: 2, podsTotal: 2 });
  };
  await declare(world, { pools: { ai_api: 7 } });
  await world.eventually(() => isInForce(7), { withinMs: 90_000 });
  const before = (await pods()).map(({ metadata: { uid } }) => uid);

  await declare(world, { pools: { ai_api: 9 } });
  await world.eventually(() => isInForce(9), { withinMs: 90_000 });

  expect((await pods()).map(({ metadata: { uid } }) => uid)).toEqual(before);
  for (const { status } of await pods()) expect(status).toMatchObject({ containerStatuses: [{ restartCount: 0 }] });
}, 240_000);
