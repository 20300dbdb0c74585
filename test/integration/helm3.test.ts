import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { progressOn } from '../../hack/cluster/progress.ts';
import { helm3Program } from '../../hack/cluster/tools.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { startWorld } from '../world/world.ts';

const run = promisify(execFile);
let tools: ClusterTools;
let helm3: ClusterTools['helm'];
beforeAll(async () => {
  const signal = AbortSignal.timeout(900_000);
  tools = await clusterTools([], signal);
  const program = join(await helm3Program(progressOn(process.stderr), signal), 'helm');
  const env = { ...process.env, KUBECONFIG: tools.cluster.kubeconfigPath };
  helm3 = async (...args) => (await run(program, args, { env, timeout: 120_000, maxBuffer: 2 ** 26 })).stdout;
}, 900_000);

const everything = [
  'replicas=2,metricsAPI.enabled=true,views.enabled=true,newPods.enabled=true,nginx.image=genops-nginx:dev',
  'certificate.secretName=mine,certificate.caBundle=bWluZQ==,networkPolicy.enabled=true,extraAuthorities.configMap=mine',
  'monitoring.podMonitor.enabled=true,monitoring.rules.enabled=true,monitoring.dashboard.enabled=true',
].join(',');
const databases = '[{"namespace":"ai","group":"postgresql.cnpg.io","resource":"clusters","names":["pg"]}]';
const secrets = '[{"namespace":"ai","names":["redis"]}]';

const objectsIn = (text: string): readonly unknown[] =>
  parseAllDocuments(text).map((document) => document.toJS() as unknown);

test.each([
  ['as it is', []],
  ['with its CRDs', ['--include-crds']],
  ['in two namespaces alone', ['--set-json', 'namespaces=["ai","team"]']],
  ['with everything on', ['--set', everything, '--set-json', `secretAccess=${secrets}`, '--set-json', `databaseClusters=${databases}`]], // prettier-ignore
])('Helm 3 renders the chart %s to the same objects in the same order as Helm 4 does', async (_, flags) => {
  // Asked of no cluster, and Helm 3 is told its newest Kubernetes by how it is released.
  const args = ['template', 'genops', 'charts/genops', '-n', 'genops-system', '--kube-version', '1.37.0', ...flags];
  const [byHelm3, byHelm4] = [await helm3(...args), await tools.helm(...args)];
  expect(byHelm4).toContain('kind: Deployment');
  expect(objectsIn(byHelm3)).toEqual(objectsIn(byHelm4)); // empty lines between them differ
});

test('a value that the chart does not know is refused by Helm 3 too', async () => {
  expect(await helm3('version', '--short')).toMatch(/^v3\./);
  await expect(
    helm3('template', 'genops', 'charts/genops', '--kube-version', '1.37.0', '--set', 'metricsApi.enabled=true'),
  ).rejects.toThrow(/metricsApi/);
});

test('what Helm 3 has installed it upgrades, Helm 4 upgrades after it, and neither leaves anything', async () => {
  await using world = await startWorld({ operator: false });
  await using stack = new AsyncDisposableStack();
  const namespace = ['-n', world.namespace];
  stack.defer(() => tools.helm('uninstall', 'genops', ...namespace, '--ignore-not-found').then(() => undefined));
  const args = ['get', 'deployment', 'genops', ...namespace, '-o', 'jsonpath={.spec.template.spec.containers[0].args}'];
  const level = async () => /--log-level=(\w+)/.exec(await tools.kubectl(...args))?.[1];
  const set = ['--set-json', `namespaces=["${world.namespace}"]`, '--set', 'image.pullPolicy=Never,image.tag=nobodys'];

  await helm3('install', 'genops', 'charts/genops', ...namespace, '--skip-crds', ...set);
  expect(await level()).toBe('info');
  const upgrade = (wanted: string) =>
    ['upgrade', 'genops', 'charts/genops', ...namespace, '--reset-then-reuse-values', '--set', `log.level=${wanted}`]; // prettier-ignore
  await helm3(...upgrade('warn'));
  expect(await level()).toBe('warn');
  await tools.helm(...upgrade('debug'));
  expect(await level()).toBe('debug');
  const history = JSON.parse(await tools.helm('history', 'genops', ...namespace, '-o', 'json')) as readonly { readonly status: string }[]; // prettier-ignore
  expect(history.map(({ status }) => status)).toEqual(['superseded', 'superseded', 'deployed']);

  await tools.helm('uninstall', 'genops', ...namespace, '--wait', '--timeout', '90s');
  const left = await tools.kubectl('get', 'deploy,role,rolebinding,serviceaccount,secret', '-n', world.namespace, '-l', 'app.kubernetes.io/name=genops', '-o', 'name'); // prettier-ignore
  expect(left).toBe('');
});
