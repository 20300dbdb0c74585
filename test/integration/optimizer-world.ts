import { expect } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../hack/servers/free-port.ts';
import { spawnServer, stopServer } from '../../hack/servers/process.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { deployment, generationService } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { events, type World } from '../world/world.ts';

export const key = 'a secret of sixteen or more';

/** A workload that holds memory; see holding-process.ts. */
export async function startHolder(env: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'genops-holder-'));
  const [port, logFile] = [await freePort(), join(folder, 'log')];
  const child = await spawnServer({
    binary: process.execPath,
    args: [join(import.meta.dirname, 'holding-process.ts')],
    cwd: folder,
    env: { ...env, ADMIN_KEY: key, METRICS_PORT: String(port) },
    logFile,
  });
  const holder = {
    port,
    asked: async () => (await readFile(logFile, 'utf8')).split('asked to collect').length - 1,
    async [Symbol.asyncDispose]() {
      await stopServer(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/metrics`)).ok).toBe(true));
  return holder;
}

export const rules = ['gc-on-memory', 'shed-workers', 'clear-expired', 'warm-cache'] as const;
/** Of the rules by default the first alone, over a value that every process has. */
type Optimizer = NonNullable<PolicySpec['optimizer']>;
export const optimizer = (more: Optimizer = {}): Optimizer => ({
  interval: '10s',
  baseline: '3s',
  settle: '1s',
  rules: rules.map((name) => (name === 'gc-on-memory' ? { name, when: { value: '20Mi' } } : { name, mode: 'Off' })),
  ...more,
});

export async function declare(world: World, components: readonly string[], overrides: PolicySpec): Promise<void> {
  const admin = { port: 'metrics', scheme: 'HTTP', secretRef: { name: 'admin', key: 'key' } } as const;
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'admin' }, stringData: { key } });
  for (const name of components) await world.apply(deployment(name));
  await world.apply(
    generationService({
      overrides: { collector: { interval: '1s', timeout: '1s' }, horizontal: { mode: 'Off' }, ...overrides },
      components: components.map((name) => ({
        name: name.slice(0, 5),
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        admin,
      })),
    }),
  );
}

export const rulesOf = async (world: World) => (await world.service()).status?.optimizer?.rules ?? [];
export const toldOf = async (world: World, reason: string): Promise<readonly string[]> =>
  (await world.kube.list(events, { namespace: world.namespace }, world.signal))
    .filter((event) => event.reason === reason)
    .map(({ note = '' }) => note);

/** Of an operator whose Pods are processes of this machine. */
export const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];
