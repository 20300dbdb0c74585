import { describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployment, generationService, hpa, performancePolicy } from '../world/builders.ts';
import { untilRight } from '../world/rights.ts';
import { expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { directory, genops, program, redis, type Answer } from './cli-world.ts';

/** Another namespace whose service asks for more of the first one's Redis. */
async function sharing(older: World): Promise<World> {
  const { metadata } = await older.service();
  // Kubernetes has ages in whole seconds: of two services of the same one the name of the namespace decides.
  await older.eventually(() => expect(Date.now() - Date.parse(metadata.creationTimestamp)).toBeGreaterThan(1_000));
  const world = await startWorld({ operator: false });
  const stringData = { host: '127.0.0.1', port: String(older.redis[0]?.port) };
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'redis' }, stringData });
  await world.apply(deployment());
  await world.apply(generationService({ redis, overrides: { redis: { maxMemory: '64Mi' } } }));
  return world;
}

/** A kubeconfig of somebody who may read these groups in the namespace of this world, and nothing else. */
async function namespaceReader(world: World, { apiGroups = ['*'] }: { apiGroups?: readonly string[] } = {}) {
  const group = 'rbac.authorization.k8s.io';
  const rules = [{ apiGroups, resources: ['*'], verbs: ['get', 'list', 'watch'] }];
  await world.apply({ apiVersion: `${group}/v1`, kind: 'Role', metadata: { name: 'reader' }, rules });
  await world.apply({
    apiVersion: `${group}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'reader' },
    roleRef: { apiGroup: group, kind: 'Role', name: 'reader' },
    subjects: [{ apiGroup: group, kind: 'User', name: 'reader' }],
  });
  await untilRight(world, { user: 'reader', verb: 'list', group: 'genops.dev', resource: 'generationservices' });
  const config = parse(await readFile(kubeconfigPath(), 'utf8')) as { users: readonly { user: object }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { ...entry.user, as: 'reader' } }));
  const file = path.join(directory, `${world.namespace}.yaml`);
  await writeFile(file, stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

const json = ({ out }: Answer): unknown => JSON.parse(out);

describe('genops status', () => {
  test('shows a service that is Ready as a page and as its status object, with exit code 0', async () => {
    await using world = await startWorld({ redis: [{}] });
    await world.apply(deployment());
    await world.apply(generationService({ redis }));
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
    );
    const page = await genops(world, 'status', 'generation');
    expect(page).toMatchObject({ code: 0, err: '' });
    expect(page.out).toMatch(
      new RegExp(
        `^operator: .*\\n\\n${world.namespace}/generation   Ready \\(Reconciled\\)   mode Enforce   policy defaults`,
      ),
    );
    expect(page.out).toMatch(/\nReplicas\n {2}workflow {2}0 now {2}floor 2 {2}2 to 20\n/);
    expect(page.out).toMatch(/\nRedis\n {2}cache {2}Redis 7\.0\S* {2}[0-9]+ settings in force\n/);
    expect(page.out).toMatch(/\n {4}maxmemory +1073741824 +was 0\n/);
    expect(page.out).toMatch(/\n {2}RedisApplied +True +Applied +\S/);
    expect(json(await genops(world, 'status', 'generation', '-o', 'json'))).toMatchObject({
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
    });
  });

  test('is 1 for a service that is not Ready or was not looked at yet, and 2 where there is none', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(generationService());
    const unseen = await genops(world, 'status', 'generation');
    expect(unseen).toMatchObject({ code: 1, err: '' });
    expect(unseen.out).toContain('not looked at yet');

    await world.restartOperator();
    await world.eventually(async () =>
      expectCondition(await world.service(), 'TargetFound', { status: 'False', reason: 'NotFound' }),
    );
    const broken = await genops(world, 'status', 'generation');
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(/not Ready[\s\S]*TargetFound +False +NotFound +saw no apps\/v1 Deployment/);

    expect(await genops(world, 'status', 'other')).toEqual({
      code: 2,
      out: '',
      err: `genops status: saw no GenerationService ${world.namespace}/other; wanted one of: kubectl get gensvc -n ${world.namespace}\n`,
    });
  });
});

test('of a service outside of its namespaces an operator is no word: status, validate and explain say so', async () => {
  await using world = await startWorld({ operator: ['--namespaces', 'elsewhere,team'] });
  await world.apply(generationService());
  await world.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'viewer' } });
  const lease = ['--lease-namespace', world.namespace];
  await world.eventually(async () => {
    const { code, out } = await genops(world, 'status', 'generation', ...lease);
    expect(code).toBe(1);
    expect(out).toMatch(
      new RegExp(
        `^operator: .* leads, .* ago, but looks after elsewhere, team only, not ${world.namespace}; next: add it to`,
      ),
    );
  });
  const judged = await genops(world, 'validate', 'generation', ...lease);
  expect(judged.err).toMatch(
    /^operator: .* looks after elsewhere, team only, .*: judged by what was written last; next: /,
  );
  const asked = ['--operator', `${world.namespace}/genops`, '--service-account', 'viewer'];
  expect((await genops(world, 'explain', 'generation', '-o', 'json', ...asked)).out).toMatch(
    /looks after elsewhere, team only, .* with --operator NAMESPACE\/NAME/,
  );
});

describe('genops diff', () => {
  test('is 1 with what would change, 0 once the operator has changed it, and changes nothing itself', async () => {
    await using world = await startWorld({ redis: [{}], operator: false });
    await world.apply(deployment());
    await world.apply(generationService({ redis }));
    const before = await genops(world, 'diff', 'generation');
    expect(before).toMatchObject({ code: 1, err: '' });
    expect(before.out).toMatch(/^horizontal\/workflow: \d+ to change\n[\s\S]*spec\.maxReplicas +\(none\) +→ 20\n/);
    expect(before.out).toMatch(/redis\/cache: \d+ to change\n[\s\S]* maxmemory +0 +→ 1073741824\n/);
    expect(await world.redis[0]?.configGet('maxmemory')).toBe('0');

    await world.restartOperator();
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' }),
    );
    await world.eventually(async () => {
      const { out, ...answer } = await genops(world, 'diff', 'generation', '-o', 'json');
      expect({ ...answer, plans: JSON.parse(out) }).toMatchObject({
        code: 0,
        err: '',
        plans: [
          { unit: 'horizontal/workflow', differences: [] },
          { unit: 'redis/cache', differences: [] },
        ],
      });
    });
  });

  test.each([
    { name: 'a service in DryRun', spec: { mode: 'DryRun' }, says: /^mode DryRun: / },
    { name: 'a lever in DryRun', spec: { overrides: { redis: { mode: 'DryRun' } } }, says: /^horizontal/ },
  ] as const)('shows what Enforce would do for $name', async ({ spec, says }) => {
    await using world = await startWorld({ redis: [{}], operator: false });
    await world.apply(deployment());
    await world.apply(generationService({ redis, ...spec }));
    const answer = await genops(world, 'diff', 'generation');
    expect(answer).toMatchObject({ code: 1, err: '' });
    expect(answer.out).toMatch(says);
    expect(answer.out).toMatch(/redis\/cache: \d+ to change\n[\s\S]* maxmemory +0 +→ 1073741824\n/);
  });

  test('shows what becomes of the floor and of an HPA whose component is gone, and so does a paused service', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(deployment('other'));
    const other = { name: 'other', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } };
    await world.apply(generationService({ components: [...generationService().spec.components, other] }));
    await world.eventually(async () => expect((await genops(world, 'diff', 'generation')).code).toBe(0));
    await world.apply(
      generationService(
        { overrides: { horizontal: { minReplicas: 5 } } },
        { annotations: { 'genops.dev/paused': 'true' } },
      ),
    );
    const { message } = await world.eventually(async () => {
      const { status } = await world.service();
      expect(status?.planHash).toMatch(/^\w+$/);
      return expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Paused' });
    });
    expect(message).toContain(
      'spec.minReplicas 2 → 5; spec.minReplicas moved by load (requests_per_second): not shown here',
    );
    expect(message).toContain('HorizontalPodAutoscaler generation-other-hpa → (none)');
    const answer = await genops(world, 'diff', 'generation');
    expect(answer).toMatchObject({ code: 1, err: '' });
    expect(answer.out).toMatch(
      /horizontal\/workflow: 1 to change\n +spec\.minReplicas +2 +→ 5\s*\n +spec.minReplicas moved by load/,
    );
    expect(answer.out).toMatch(/HorizontalPodAutoscaler +generation-other-hpa +→ \(none\)/);

    await world.apply(generationService({ overrides: { horizontal: { minReplicas: 5 } } }));
    await world.eventually(async () => expect((await genops(world, 'diff', 'generation')).code).toBe(0));
    await world.eventually(async () => {
      const { status } = await world.service();
      expect(status?.planHash).toBeUndefined();
      expect(status?.components).toMatchObject([{ name: 'workflow', replicas: { min: 5, floor: 5 } }]);
      const condition = expectCondition(await world.service(), 'HorizontalApplied', {
        status: 'True',
        reason: 'Applied',
      });
      expect(condition.message).not.toContain('generation-other-hpa');
    });
    expect(await world.get(horizontalPodAutoscalers, 'generation-other-hpa')).toBeUndefined();
  });

  test('does not show changes to a server that an older service has, also one of another namespace', async () => {
    await using older = await startWorld({ redis: [{}] });
    await older.apply(deployment());
    await older.apply(generationService({ redis }));
    await older.eventually(async () =>
      expectCondition(await older.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
    );
    await using world = await sharing(older);
    const answer = await genops(world, 'diff', 'generation');
    expect(answer).toMatchObject({ code: 2, err: '' });
    expect(answer.out).toContain(
      `redis/cache: saw the server of cache tuned by the older GenerationService ${older.namespace}/generation;`,
    );

    const narrow = await genops(world, 'diff', 'generation', '--kubeconfig', await namespaceReader(world));
    expect(narrow.code).toBe(1);
    expect(narrow.out).toMatch(/redis\/cache: \d+ to change/);
    expect(narrow.err).not.toContain('APIService');
    expect(narrow.err).toMatch(/saw only namespace .*; wanted to list .* everywhere; next: .* says Conflict\n$/);
  });

  test('says at once what the user may not read', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(generationService());
    const kubeconfig = await namespaceReader(world, { apiGroups: ['genops.dev'] });
    const answer = await genops(world, 'diff', 'generation', '--kubeconfig', kubeconfig);
    expect(answer).toMatchObject({ code: 2, out: '' });
    expect(answer.err).toMatch(/^genops diff: (get|list) .*forbidden.*\n$/);
  });

  test.each([
    {
      where: 'outside of the cluster',
      env: {},
      says: (name: string, port: number) =>
        new RegExp(
          String.raw`no host ${name}\.\S+\.svc \(E\w+\): .* only inside the cluster, .* kubectl port-forward -n \S+ svc/${name} ${port}`,
        ),
    },
    {
      where: 'in a Pod',
      env: { KUBERNETES_SERVICE_HOST: '10.96.0.1' },
      says: (name: string, port: number) =>
        new RegExp(
          String.raw`no answer from ${name}\.\S+\.svc:${port} \(E\w+\); .*; next: check the address in the Secret`,
        ),
    },
  ])('says of a name that is not found what is wrong with it $where', async ({ env, says }) => {
    await using world = await startWorld({ operator: false });
    for (const name of ['redis', 'postgres'])
      await world.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name },
        stringData: { host: name, username: 'app', password: 'p', dbname: 'app' },
      });
    await world.apply(deployment());
    const postgres = [{ name: 'main', secretRef: { name: 'postgres' } }];
    await world.apply(generationService({ redis, postgres }));
    const args = ['diff', 'generation', '-n', world.namespace, '--kubeconfig', kubeconfigPath()];
    const failed: unknown = await program(args, env).catch((error: unknown) => error);
    for (const [name, port] of [['redis', 6379] as const, ['postgres', 5432] as const])
      expect(failed).toMatchObject({ code: 2, stdout: expect.stringMatching(says(name, port)) });
  });

  test('is 2 where an HPA of somebody else stands in the way', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(deployment());
    await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 3 }));
    await world.apply(generationService());
    const answer = await genops(world, 'diff', 'generation');
    expect(answer.code).toBe(2);
    expect(answer.out).toMatch(/^horizontal\/workflow: saw .*by-hand/);
  });

  test('is 2 without the policy, the target or the service, and says which', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(generationService({ policyRef: { name: 'standard' } }));
    const answer = await genops(world, 'diff', 'generation');
    expect(answer).toMatchObject({ code: 2, out: '' });
    expect(answer.err).toMatch(
      new RegExp(
        `^PolicyAccepted: saw no PerformancePolicy ${world.namespace}/standard; .*\nTargetFound: saw no apps/v1 Deployment`,
      ),
    );
    expect(await genops(world, 'diff', 'other')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^genops diff: saw no GenerationService .*\n$/),
    });
  });
});

describe('genops policy effective', () => {
  test('shows each value with its layer, and is 1 where two layers contradict each other', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(performancePolicy({ horizontal: { minReplicas: 4, maxReplicas: 30 } }));
    await world.apply(
      generationService({
        policyRef: { name: 'standard' },
        overrides: { horizontal: { maxReplicas: 12 } },
      }),
    );
    const answer = await genops(world, 'policy', 'effective', 'generation');
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toMatch(/^horizontal\.minReplicas +policy standard +4$/m);
    expect(answer.out).toMatch(/^horizontal\.maxReplicas +GenerationService overrides +12$/m);
    expect(answer.out).toMatch(/^redis\.evictionPolicy +default +\S+$/m);

    await world.apply(
      generationService({ policyRef: { name: 'standard' }, overrides: { horizontal: { maxReplicas: 3 } } }),
    );
    const wrong = await genops(world, 'policy', 'effective', 'generation');
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/❌ horizontal\.\w+Replicas: saw .*; wanted: .*, for example /);
  });

  test('is 2 where the policy is missing', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(generationService({ policyRef: { name: 'standard' } }));
    expect(await genops(world, 'policy', 'effective', 'generation')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(`saw no PerformancePolicy ${world.namespace}/standard`),
    });
  });
});
