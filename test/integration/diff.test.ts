import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { main, type Process } from '../../operator/cli/main.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';

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

/** Somebody who may read everything of this namespace, and change nothing. */
async function asReader(world: World): Promise<string> {
  const apiGroup = 'rbac.authorization.k8s.io';
  const name = `reader-${world.namespace}`;
  const rules = [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }];
  await world.apply({ apiVersion: `${apiGroup}/v1`, kind: 'Role', metadata: { name }, rules });
  await world.apply({
    apiVersion: `${apiGroup}/v1`,
    kind: 'RoleBinding',
    metadata: { name },
    roleRef: { apiGroup, kind: 'Role', name },
    subjects: [{ apiGroup, kind: 'User', name }],
  });
  return as(name);
}

/** What the chart gives to the container, and to whatever is started in it. */
const inOperatorsPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', POD_NAMESPACE: 'genops-system' };

test('without the metrics API nothing is amiss, in the operator’s Pod and elsewhere: who may not look at APIServices discovers that there is none', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(deployment());
  await world.apply(generationService());
  const kubeconfig = await asOperator(world);
  for (const env of [inOperatorsPod, { KUBERNETES_SERVICE_HOST: '10.96.0.1' }])
    expect(await diff(world, kubeconfig, env)).toMatchObject({ code: 1, err: '' });
});

test('a field that somebody else has is the Conflict that the operator makes of it, and stays as it is', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(generationService({ overrides: { horizontal: { maxReplicas: 5 } } }));
  await world.eventually(async () => expect(await diff(world)).toMatchObject({ code: 0 }));
  const key = `${world.namespace}/generation-workflow-hpa`;
  const byHand = [{ op: 'replace', path: '/spec/maxReplicas', value: 9 }] as const;
  await world.kube.patch(horizontalPodAutoscalers, key, byHand, { manager: 'kubectl-patch' }, world.signal);
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Conflict' }),
  );
  expect(message).toContain('.spec.maxReplicas (kubectl-patch)');

  const answer = await diff(world);
  expect(answer).toMatchObject({ code: 2, err: '' });
  expect(answer.out).toContain(`horizontal/workflow: 1 to change; ${message}\n`);
  expect(answer.out).toMatch(/^ +spec\.maxReplicas +9 +→ 5$/m);
  expect(await diff(world, await asOperator(world), inOperatorsPod)).toEqual(answer);

  const reader = await diff(world, await asReader(world));
  expect(reader.code).toBe(1);
  expect(reader.err).toMatch(/saw apply HorizontalPodAutoscaler .*forbidden.*; wanted to try .*; next: .*\n/);
  expect(await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa')).toMatchObject({
    spec: { maxReplicas: 9 },
  });
});

test('what is tried is not made', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(deployment());
  await world.apply(generationService());
  expect(await diff(world)).toMatchObject({ code: 1, err: '' });
  expect(await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa')).toBeUndefined();
});
