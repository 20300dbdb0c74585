import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import { objectiveNames } from '../../operator/api/status.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { createStandings } from '../../operator/metrics/standings.ts';
import { keepAllRollUps } from '../../operator/reconcilers/kept-roll-ups.ts';
import { deployments, generationServices, secrets } from '../../operator/reconcilers/kinds.ts';
import { createStates, projectState, readState } from '../../operator/reconcilers/state.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { deployment, generationService } from '../world/builders.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { consistently, eventually } from '../world/eventually.ts';
import { configMaps, namespaces, soon, startPlane } from './kube-world.ts';

const run = promisify(execFile);
const by = { manager: 'test', force: true };
const hour = 3_600_000;
let plane: ControlPlane;
let kube: Kube;

beforeAll(async () => {
  plane = await startPlane();
  kube = connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), { userAgent: 'roll-ups-test' });
  const kubectl = ['--kubeconfig', plane.kubeconfigPath, 'apply', '--server-side', '-k', 'crds'];
  await run(join(plane.binDir, 'kubectl'), kubectl);
  for (const name of ['ai', 'many']) await kube.create(namespaces, { metadata: { name } }, {}, soon());
}, 900_000);
afterAll(async () => {
  await kube[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

const inAi = <T extends { readonly metadata: { readonly name: string } }>(object: T) => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'ai' },
});

async function declare(redis: RedisServer): Promise<void> {
  const uri = `redis://127.0.0.1:${redis.port}`;
  await kube.apply(secrets, { metadata: { name: 'redis', namespace: 'ai' }, stringData: { uri } }, by, soon());
  await kube.apply(deployments, inAi(deployment()), by, soon());
  const service = generationService({
    redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
    overrides: { collector: { interval: '1s', timeout: '500ms' } },
  });
  await eventually(() => kube.apply(generationServices, inAi(service), by, soon()));
}

const read = async (): Promise<GenerationService & KubeObject> => {
  const found = await kube.get(generationServices, 'ai/generation', soon());
  if (found === undefined) throw new Error('the service was declared');
  return found;
};

/** Look-ups that hit, and a visit that sees them. */
async function lookUp(redis: RedisServer, round: number): Promise<void> {
  await redis.command('SET', 'key', 'value');
  for (let n = 0; n < 40; n++) await redis.command('GET', 'key');
  const visit = { metadata: { name: 'generation', namespace: 'ai', annotations: { round: String(round) } } };
  await kube.apply(generationServices, visit, { manager: 'visitor', force: true }, soon());
}

test('roll-ups are in the state an hour after they were begun, while the operator runs, and then not again before the next hour', async () => {
  await using redis = await startRedis({ version: '7.0' });
  await using operator = await startClockedReconcilers({ kube, namespace: 'ai' });
  await declare(redis);
  let round = 0;
  await eventually(async () => {
    await lookUp(redis, (round += 1));
    const { status } = await read();
    expect(status?.objectives?.find(({ name }) => name === 'CacheHitRatio')).toMatchObject({ state: 'Met' });
  });
  const kept = async () => (await readState(kube, await read(), soon())).rollUps;
  await consistently(async () => expect(await kept()).toBeUndefined(), { forMs: 4_000 }); // some looks

  operator.putForward(1.2 * hour); // spread over the fifth after the hour
  const rollUps = await eventually(async () => {
    const found = await kept();
    expect(found).toBeDefined();
    return found;
  });
  expect(Object.keys(rollUps?.hours ?? {})).toEqual(['CacheHitRatio']); // of what was judged, and of that alone
  const version = async () =>
    (await kube.get(configMaps, 'ai/generation-genops-state', soon()))?.metadata.resourceVersion;
  const written = await version();
  await consistently(async () => expect(await version()).toBe(written), { forMs: 3_000 });
}, 120_000);

test('a leader that stops keeps the roll-ups of 1000 services before it lets go', async () => {
  const services = Array.from({ length: 1_000 }, (_, n) => serviceWithRollUps(n));
  const standings = createStandings();
  const now = Date.now();
  const looked = objectiveNames.map((name) => ({ name, judged: 'Met' as const, goal: 1, observation: undefined }));
  for (const service of services)
    for (let look = 0; look < 72; look++)
      standings.note(service, {
        looked,
        insideSince: {},
        attainmentWindowMs: 24 * hour,
        intervalMs: 10_000,
        now: now + look * hour,
        saved: () => undefined,
      });
  const states = createStates(kube, { get: () => undefined, hasSeen: () => false });
  const logger = createLogger({ level: 'error', format: 'text' });

  await keepAllRollUps(services, { standings, states, clock: { now: () => now }, logger });

  const found = await kube.list(configMaps, { namespace: 'many' }, soon());
  const kept = found.filter((one) => projectState(one).state.rollUps !== undefined);
  expect(kept).toHaveLength(1_000);
}, 120_000);

const serviceWithRollUps = (n: number): GenerationService & KubeObject => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: {
    namespace: 'many',
    name: `s${n}`,
    uid: `uid-${n}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { mode: 'Enforce', deletionPolicy: 'Retain', components: [] },
});
