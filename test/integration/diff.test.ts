import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { main, type Process } from '../../operator/cli/main.ts';
import { deployment, generationService } from '../world/builders.ts';
import { kubeconfigPath, startWorld, type World } from '../world/world.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'genops-diff-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** `genops diff generation` in the namespace of a world. */
async function diff(world: World, kubeconfig = kubeconfigPath(), env: Process['env'] = {}) {
  let [out, err] = ['', ''];
  const code = await main({
    args: ['diff', 'generation', '-n', world.namespace, '--kubeconfig', kubeconfig],
    env,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal: world.signal,
  });
  return { code, out, err };
}

/** The administrator's kubeconfig as another user. */
async function as(user: string): Promise<string> {
  const config = parse(await readFile(kubeconfigPath(), 'utf8')) as { users: readonly { user: object }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { ...entry.user, as: user } }));
  const file = path.join(directory, `${user}.yaml`);
  await writeFile(file, stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

/** The user whom the world has given the rights of an installed operator. */
const asOperator = ({ namespace }: World): Promise<string> => as(`genops-${namespace}`);

/** What the chart gives to the container, and to whatever is started in it. */
const inOperatorsPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', POD_NAMESPACE: 'genops-system' };

test('in the operator’s Pod without the metrics API nothing is amiss: who may not look at APIServices has none', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(deployment());
  await world.apply(generationService());
  const kubeconfig = await asOperator(world);
  expect(await diff(world, kubeconfig, inOperatorsPod)).toMatchObject({ code: 1, err: '' });

  const elsewhere = await diff(world, kubeconfig, { KUBERNETES_SERVICE_HOST: '10.96.0.1' });
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.err).toMatch(/saw list APIService .*forbidden.*; next: .*kubectl exec into the operator’s Pod/);
});
