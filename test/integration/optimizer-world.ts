import { expect } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { freePort } from '../../hack/servers/free-port.ts';
import { spawnServer, stopServer } from '../../hack/servers/process.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { ownerReference } from '../../operator/kube/object.ts';
import type { Collector } from '../../operator/metrics/collector.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { random } from '../../operator/simulate/random.ts';
import type { ServiceProcess } from '../workload/service-process.ts';
import { deployment, generationService } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import type { World } from '../world/world.ts';

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

/** @param replicas What is to run of each; `readyPod` says what does. */
export async function declare(
  world: World,
  components: readonly string[],
  overrides: PolicySpec,
  { replicas = 0 }: { readonly replicas?: number } = {},
): Promise<void> {
  const admin = { port: 'metrics', scheme: 'HTTP', secretRef: { name: 'admin', key: 'key' } } as const;
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'admin' }, stringData: { key } });
  for (const name of components) {
    const { spec, ...rest } = deployment(name, { replicas });
    await world.apply({ ...rest, spec: { ...spec, paused: true } }); // no Pods of its own beside those of the test
  }
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

/** Of an operator whose Pods are processes of this machine. */
export const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];

/** How far each moved by themselves in what was measured before. */
const chance: Readonly<Record<string, number>> = { memoryBytes: 0.1, responseTimeP95: 0.5, cpuPercent: 0.1 };

/** A leader that has measured for ten minutes already: before what was really read, everything was as it was at first, but for chance. */
export const measuredBefore = (collector: Collector): Collector => ({
  ...collector,
  rowsOf(service, component, since, columns) {
    const rows = collector.rowsOf(service, component, since, columns);
    const first = rows?.times[0];
    if (rows === undefined || first === undefined || since > 0) return rows;
    const uniform = random(1);
    const before = Array.from({ length: 600 }, (_, row) => first - (600 - row) * 1_000);
    const figures = Object.entries<Float32Array>(rows.figures).map(([name, column]) => {
      const known = column
        .filter((value) => !Number.isNaN(value))
        .slice(0, 5)
        .toSorted();
      const [median = 0, most = NaN] = [known[2], known.at(-1)];
      const level = median > 0 ? median : most; // on a busy machine nobody is served in most of them
      const moved = (): number => 1 + (chance[name] ?? 0) * (2 * uniform() - 1);
      return [name, Float32Array.from([...before.map(() => level * moved()), ...column])];
    });
    return {
      times: Float64Array.from([...before, ...rows.times]),
      figures: Object.fromEntries(figures) as typeof rows.figures,
    };
  },
});

/** Reads items of the reference service, ten each second, however long each takes. */
export function readItems({ url }: ServiceProcess): Disposable {
  const stop = new AbortController();
  void (async () => {
    let next = 0;
    for await (const _ of setInterval(100, undefined, { signal: stop.signal })) {
      next += 1;
      void fetch(`${url}/api/item/${next % 20}`, { signal: stop.signal }).catch(() => undefined); // the test is over
    }
  })().catch(() => undefined);
  return { [Symbol.dispose]: () => stop.abort() };
}

/** What an operator before this one has kept of a service, of this one or of one that is nobody's any more. */
export async function keptBefore(world: World, name: string, state: object): Promise<void> {
  const service = await world.service().catch(() => undefined);
  const ownerReferences =
    name === 'generation' && service !== undefined ? [ownerReference(service, { controller: true })] : [];
  await world.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${name}-genops-state`, labels: { 'genops.dev/state': 'true' }, ownerReferences },
    data: { 'state.json': JSON.stringify({ version: 1, levers: {}, ...state }) },
  });
}

/** What stands beside the rule that is looked at. */
export const otherRules = rules
  .filter((name) => name !== 'shed-workers')
  .map((name) => ({ name, mode: 'Off' as const }));

/** CPU workers of the first Pod, as its ConfigMap has them. */
export async function poolOf(world: World): Promise<unknown> {
  const text = (await world.get(configMaps, 'generation-first-runtime'))?.data?.['settings.json'] ?? '{}';
  return (JSON.parse(text) as { pools?: { cpu: number } }).pools?.cpu;
}
