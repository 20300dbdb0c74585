import { beforeAll, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { untilRight } from '../world/rights.ts';
import { directory, genops, redis } from './cli-world.ts';

let tools: ClusterTools;
beforeAll(async () => {
  tools = await clusterTools([], AbortSignal.timeout(600_000));
}, 600_000);

const group = 'rbac.authorization.k8s.io';
const clusterRoles = resource<KubeObject>({
  group,
  version: 'v1',
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
});

/** What config/rbac/users.yaml gives, under names of this test's own: roles of the cluster are everybody's. */
async function rolesForPeople(world: World): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  for (const document of parseAllDocuments(await readFile('config/rbac/users.yaml', 'utf8'))) {
    const role = document.toJS() as KubeObject;
    const name = `${role.metadata.name}-${world.namespace}`;
    await world.kube.create(clusterRoles, { ...role, metadata: { ...role.metadata, name } }, {}, world.signal);
    stack.defer(() => world.kube.delete(clusterRoles, name, {}, AbortSignal.timeout(10_000)));
  }
  const all = stack.move();
  return { [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A kubeconfig of somebody with one of the built-in roles in the namespace of this world, or with none. */
async function personWith(world: World, role: 'view' | 'edit' | 'admin' | 'genops-viewer' | 'none'): Promise<string> {
  const user = `${role}-${world.namespace}`;
  const name = role === 'genops-viewer' ? user : role;
  if (role !== 'none')
    await world.apply({
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: { name: role },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name },
      subjects: [{ apiGroup: group, kind: 'User', name: user }],
    });
  const config = parse(await readFile(kubeconfigPath(), 'utf8')) as { users: readonly { user: object }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { ...entry.user, as: user } }));
  const file = path.join(directory, `${user}.yaml`);
  await writeFile(file, stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const;
/** Of both kinds, by the API server's own list. */
async function mayDo(world: World, kubeconfig: string): Promise<readonly string[]> {
  const list = await tools.kubectl('auth', 'can-i', '--list', '-n', world.namespace, '--kubeconfig', kubeconfig);
  const of = (kind: string): readonly string[] =>
    [...list.matchAll(new RegExp(`^${kind}\\.genops\\.dev .*\\[([^\\]]*)\\]$`, 'gm'))].flatMap(([, some = '']) => some.split(' ')); // prettier-ignore
  const [services, policies] = [of('generationservices'), of('performancepolicies')];
  return verbs.filter((verb) => services.includes(verb) && policies.includes(verb));
}

test('view sees services and policies, edit and admin change them too', async () => {
  await using world = await startWorld({ operator: false });
  await using _ = await rolesForPeople(world);
  const people = [await personWith(world, 'view'), await personWith(world, 'edit'), await personWith(world, 'admin')];
  await world.eventually(async () => // the API server gathers roles a moment later
    expect(await Promise.all(people.map((file) => mayDo(world, file)))).toEqual([verbs.slice(0, 3), verbs, verbs])); // prettier-ignore
});

test('with the role view every command that reads the cluster answers; status cannot say whether the operator lives', async () => {
  await using world = await startWorld();
  await using _ = await rolesForPeople(world);
  await world.apply(performancePolicy({}));
  await world.apply(deployment());
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  const viewer = await personWith(world, 'view');
  for (const plural of ['generationservices', 'performancepolicies'])
    await untilRight(world, { user: `view-${world.namespace}`, verb: 'get', group: 'genops.dev', resource: plural });

  const status = await genops(world, 'status', 'generation', '--kubeconfig', viewer);
  expect(status).toMatchObject({ code: 0, err: '' });
  expect(status.out).toMatch(/^operator: not known, you may not read the Lease genops-system\/genops/);
  for (const command of ['explain', 'policy effective', 'export']) {
    const answer = await genops(world, ...command.split(' '), 'generation', '--kubeconfig', viewer);
    expect([command, answer]).toMatchObject([command, { code: 0, err: expect.not.stringContaining('forbidden') }]);
  }
  const validated = await genops(world, 'validate', 'generation', '--allow-unexercised', '--kubeconfig', viewer);
  expect(validated).toMatchObject({
    out: expect.stringContaining('WorkflowDuration'),
    err: expect.not.stringContaining('forbidden'),
  });
});

test('with the role view a plan says that it is you who may not read a Secret, and what gives you that', async () => {
  await using world = await startWorld({ operator: false });
  await using _ = await rolesForPeople(world);
  await world.apply(deployment());
  await world.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'redis' },
    stringData: { host: '127.0.0.1', port: '1' },
  });
  await world.apply(generationService({ redis }));
  const viewer = await personWith(world, 'view');
  await untilRight(world, { user: `view-${world.namespace}`, verb: 'list', group: 'genops.dev', resource: 'generationservices' }); // prettier-ignore
  await untilRight(world, { user: `view-${world.namespace}`, verb: 'list', group: 'apps', resource: 'deployments' });

  const { namespace } = world;
  const saw = `redis/cache: saw you may not read Secret ${namespace}/redis; wanted get of it; next: `;
  const diff = await genops(world, 'diff', 'generation', '--kubeconfig', viewer);
  expect(diff.out).toContain(saw);
  expect(diff.err).not.toContain('Secret');
  const report = await genops(world, 'report', 'generation', '--kubeconfig', viewer);
  expect(report).toMatchObject({ code: 2, err: expect.stringContaining(saw) });
  expect(diff.out + report.err + report.out).not.toMatch(/secretAccess|the operator may not read Secret/);

  const [, commands = ''] = /; next: ask an administrator for it: (.*) \(docs\/security\.md/.exec(report.err) ?? [];
  for (const line of commands.split('; '))
    await tools.kubectl(...line.replaceAll("'", '').split(' ').slice(1), '--kubeconfig', kubeconfigPath());
  await world.eventually(async () => {
    const after = await genops(world, 'report', 'generation', '--kubeconfig', viewer);
    expect(after.err).toMatch(/redis\/cache: saw no answer from .* \(ECONNREFUSED\)/);
  });
});

test('the part of view that is ours has the Events too, which explain tells', async () => {
  await using world = await startWorld();
  await using _ = await rolesForPeople(world);
  await world.apply(generationService());
  await world.eventually(async () => expectCondition(await world.service(), 'TargetFound', { status: 'False' }));
  const viewer = await personWith(world, 'genops-viewer');
  await world.eventually(async () => {
    const { out, err } = await genops(world, 'explain', 'generation', '--kubeconfig', viewer);
    expect({ out, err }).toEqual({ out: expect.stringMatching(/^Events, newest first\n.*TargetFound: saw/m), err: '' });
  });
});

test('who may not is told which role lacks, and for whom', async () => {
  await using world = await startWorld({ operator: false });
  const nobody = await personWith(world, 'none');
  for (const command of ['status', 'validate', 'explain', 'policy effective', 'export']) {
    const { code, err } = await genops(world, ...command.split(' '), 'generation', '--kubeconfig', nobody);
    expect([command, code]).toEqual([command, 2]);
    const next = `next: an administrator gives it the role view: kubectl create rolebinding genops-view -n ${world.namespace} --clusterrole=view --user='none-${world.namespace}'`;
    expect(err).toContain(next);
  }
});
