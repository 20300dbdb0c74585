import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { shells } from '../../hack/servers/shells.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { expectCondition, kubeconfigPath, startWorld } from '../world/world.ts';
import { directory, genops, program, redis, run } from './cli-world.ts';

describe('genops export', () => {
  test('writes what was learned as a Component that kustomize adds to what is in Git, and the API server takes it', async () => {
    await using world = await startWorld({ redis: [{}] });
    await world.apply(deployment());
    const { spec } = deployment('redis', { resources: { limits: { memory: '1Gi' } } });
    const workloadRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' };
    const { name, ...type } = workloadRef;
    await world.apply({ ...type, metadata: { name }, spec: { ...spec, serviceName: name } });
    const inGit = generationService({
      policyRef: { name: 'standard' },
      redis: redis.map((server) => ({ ...server, workloadRef })),
    });
    await world.apply(performancePolicy({ redis: { maxMemoryPercentOfLimit: 50 } }));
    await world.apply(inGit);
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
    );
    const identity = { namespace: world.namespace, name: 'generation-workflow-hpa' };
    const raised = { metadata: identity, spec: { minReplicas: 5 } };
    await world.kube.apply(horizontalPodAutoscalers, raised, { manager: 'genops-scaler', force: true }, world.signal);
    await world.eventually(async () =>
      expect((await world.service()).status?.components).toMatchObject([{ replicas: { floor: 5 } }]),
    );

    const { code, out, err } = await genops(world, 'export', 'generation');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('# components.workflow.overrides.horizontal.minReplicas: the floor now; declared: 2\n');
    const folder = path.join(directory, 'fleet');
    await mkdir(path.join(folder, 'learned'), { recursive: true });
    await writeFile(path.join(folder, 'learned/kustomization.yaml'), out);
    await writeFile(path.join(folder, 'service.yaml'), stringify(inGit));
    await writeFile(path.join(folder, 'kustomization.yaml'), stringify({ resources: ['service.yaml'], components: ['learned'] })); // prettier-ignore
    const tools = await clusterTools([], world.signal);
    const patch = await genops(world, 'export', 'generation', '-o', 'yaml');
    await writeFile(path.join(folder, 'patch.yaml'), patch.out);
    const dry = ['--type=json', '--patch-file', path.join(folder, 'patch.yaml'), '--dry-run=server', '-o', 'json'];
    const patched = await tools.kubectl('patch', 'gensvc', 'generation', '-n', world.namespace, ...dry);
    expect(JSON.parse(patched)).toMatchObject({ spec: { overrides: { redis: { maxMemory: '512Mi' } } } });
    await world.apply(parse(await tools.kubectl('kustomize', folder)) as typeof inGit);

    const { spec: learned } = await world.service();
    expect(learned.components).toMatchObject([{ name: 'workflow', overrides: { horizontal: { minReplicas: 5 } } }]);
    expect(learned.overrides).toEqual({ redis: { maxMemory: '512Mi' } });
    expect(await genops(world, 'export', 'generation', '-o', 'json')).toEqual({ code: 0, out: '[]\n', err: '' });
  });
});

test('kubectl genops is a plugin, and a shell completes commands, options and services, of the plugin too', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(generationService());
  const { cluster } = await clusterTools([], world.signal);
  const bin = path.join(directory, 'bin');
  await mkdir(bin);
  const bundle = path.resolve('.cache/test/genops.mjs'); // what the image runs; of test/bundle-operator.mjs
  for (const name of ['genops', 'kubectl-genops'])
    await writeFile(path.join(bin, name), `#!/bin/sh\nexec node ${bundle} "$@"\n`, { mode: 0o755 });
  const env = {
    PATH: [bin, path.resolve('node_modules/.bin'), cluster.binDir, '/usr/bin', '/bin'].join(':'),
    HOME: directory,
    KUBECONFIG: path.resolve(kubeconfigPath()),
  };
  const bash = async (command: string): Promise<string> =>
    (await run('bash', ['-c', command], { env, timeout: 60_000 })).stdout;
  expect(await bash('kubectl genops version')).toMatch(/^genops \d+\.\d+\.\d+ /);

  await writeFile(path.join(bin, 'kubectl_complete-genops'), await bash('genops completion kubectl'), { mode: 0o755 });
  expect(await bash(`kubectl __complete genops status -n ${world.namespace} ''`)).toMatch(/^generation\n:4\n/);
  const completed = async (...words: readonly string[]): Promise<readonly string[]> => {
    const line = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}`;
    const shown = await bash(`source <(genops completion bash); ${line}; _genops; printf '%s\\n' "\${COMPREPLY[@]}"`);
    return shown.split('\n').filter((word) => word !== '');
  };
  expect(await completed('genops', 'pol')).toEqual(['policy']);
  expect(await completed('genops', 'status', '--o')).toEqual(['--output']);
  expect(await completed('genops', 'status', '-n', world.namespace, 'gen')).toEqual(['generation']);
  expect(await completed('genops', 'status', '--namespace', '=', world.namespace)).toEqual([world.namespace]);
  expect(await completed('genops', 'status', '--namespace', '=', world.namespace, 'gen')).toEqual(['generation']);
});

test('what is printed for zsh and fish completes in them', async () => {
  const bin = path.join(directory, 'shells');
  await mkdir(bin);
  const { zsh, fish } = await shells();
  const genopsHere = `#!/bin/sh\nexec '${process.execPath}' ${path.resolve('.cache/test/genops.mjs')} "$@"\n`;
  await writeFile(path.join(bin, 'genops'), genopsHere, { mode: 0o755 });
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: directory };
  const [inZsh, inFish] = [path.join(bin, 'genops.zsh'), path.join(bin, 'genops.fish')];
  await writeFile(inZsh, (await program(['completion', 'zsh'])).stdout);
  await writeFile(inFish, (await program(['completion', 'fish'])).stdout);
  // zsh completes in its line editor alone: what that would be told is printed.
  const stubs = 'compdef() { }; compset() { print -r -- "compset $*" }; compadd() { shift; print -l -- "$@" }';
  const asked = async (...words: readonly string[]) => {
    const script = `${stubs}; source ${inZsh}; words=(${words.join(' ')}); CURRENT=${words.length}; _genops`;
    return (await zsh(['-f', '-c', script], env)).trim().split('\n');
  };
  const cutOff = 'compset -P --*='; // what goes before the word, where it is an option's value
  expect(await asked('genops', 'pol')).toEqual([cutOff, 'policy']);
  expect(await asked('genops', 'status', '--output=j')).toEqual([cutOff, 'json']);
  expect(await zsh(['-f', '-n', inZsh], env)).toBe('');
  const completed = (line: string) =>
    fish(['--no-config', '-c', `source ${inFish}; complete --do-complete '${line}'`], env);
  expect(await completed('genops status --o')).toBe('--output\n');
  expect(await completed('genops status --output=j')).toBe('--output=json\n');
});

test('an older Node is told which one is wanted, and nothing else', async () => {
  const older = `data:text/javascript,${encodeURIComponent('Object.defineProperty(process.versions, "node", { value: "20.11.0" })')}`;
  const fromCheckout = (...flags: readonly string[]) =>
    run(process.execPath, [...flags, 'operator/genops.mjs', 'version'], { timeout: 30_000 });
  const spaced = path.join(directory, 'my checkout');
  await mkdir(path.join(spaced, 'operator'), { recursive: true });
  await copyFile('operator/genops.mjs', path.join(spaced, 'operator/genops.mjs'));
  // As Node 20: it knows no TypeScript.
  await expect(fromCheckout('--no-strip-types', '--import', older)).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^genops: saw Node 20\.11\.0; wanted 24\.12 or later; next: .*\n$/),
  });
  const there = run(process.execPath, ['--import', older, path.join(spaced, 'operator/genops.mjs')]);
  await expect(there).rejects.toMatchObject({ stderr: expect.stringContaining(`"${spaced}/operator/genops.mjs"`) });
  expect((await fromCheckout()).stdout).toMatch(/^genops \d+\.\d+\.\d+ /);
  const { engines, bin } = JSON.parse(await readFile('package.json', 'utf8')) as {
    readonly engines: object;
    readonly bin: object;
  };
  expect({ engines, bin }).toEqual({ engines: { node: '>=24.12' }, bin: { genops: 'operator/genops.mjs' } });
});

describe('the program', () => {
  const node = (...args: readonly string[]) => program(args);

  test('genops version goes to stdout', async () => {
    expect(await node('version')).toMatchObject({
      stdout: expect.stringMatching(/^genops \d+\.\d+\.\d+ /),
      stderr: '',
    });
  });

  test.each(['manager', 'status generation', 'diff generation'])(
    'genops %s without any kubeconfig says so in one line and exits with 2',
    async (command) => {
      const [name = ''] = command.split(' ');
      await expect(node(...command.split(' '))).rejects.toMatchObject({
        code: 2,
        stdout: '',
        stderr: `genops ${name}: saw no kubeconfig; wanted --kubeconfig FILE, $KUBECONFIG, ~/.kube/config or the service account of a Pod\n`,
      });
    },
  );

  test('genops manager with an address that is none says what one looks like', async () => {
    await expect(
      node('manager', '--kubeconfig', kubeconfigPath(), '--metrics-bind-address', 'abc'),
    ).rejects.toMatchObject({
      code: 2,
      stderr: 'genops manager: saw address "abc"; wanted host:port, for example :8080 or 127.0.0.1:8080\n',
    });
  });

  test('genops manager whose port is taken says so without a stack', async () => {
    await using holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const address = `127.0.0.1:${port}`;
    await expect(
      node('manager', '--kubeconfig', kubeconfigPath(), '--metrics-bind-address', address),
    ).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(/^genops manager: listen EADDRINUSE.*\n$/) });
  });
});
