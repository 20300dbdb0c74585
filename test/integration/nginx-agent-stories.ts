import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setInterval as each } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { createAuthority, issueCertificate, type KeyPair } from '../../hack/cluster/certificate.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import { hasEnded, stopServer } from '../../hack/servers/process.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import type { LoadBalancerReport } from '../../operator/api/load-balancer-report.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { startProxy, type Proxy } from './kube-proxy.ts';
import { agentKubeconfig, behindNginx, nginxPod, slice, spawnAgent } from './nginx-agent-world.ts';
import { ask, backend, keepAsking, nginxFolder } from './nginx-world.ts';

const run = promisify(execFile);
const flags = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];
const configMap = 'generation-nginx';

type Policy = NonNullable<NonNullable<GenerationServiceSpec['overrides']>['loadBalancer']>;

const children = async (pid: number): Promise<readonly number[]> =>
  (await run('pgrep', ['-P', String(pid)])).stdout.trim().split('\n').map(Number);

/** As the kubelet does it: the files lead through one symbolic link, which is another at once. */
async function mountSecret(folder: string, { certificate, key }: KeyPair): Promise<void> {
  const version = randomBytes(4).toString('hex');
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, 'tls.crt'), certificate);
  await writeFile(join(folder, version, 'tls.key'), key);
  for (const name of ['tls.crt', 'tls.key']) await symlink(`..data/${name}`, join(folder, name)).catch(() => undefined); // it is there
  await symlink(version, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
}

/** What the agent promises before each nginx. A file for each version: they run side by side. */
export function agentStories(version: NginxVersion): void {
  const stack = new AsyncDisposableStack();
  let world: World;
  let home: Awaited<ReturnType<typeof nginxFolder>>;
  let proxy: Proxy;
  let kubeconfig: string;
  let port: number;
  let securePort: number;
  let statusPort: number;
  let pods: readonly Awaited<ReturnType<typeof backend>>[];
  let agent: Awaited<ReturnType<typeof spawnAgent>>;
  const slow = Promise.withResolvers<void>();

  const log = (): Promise<string> => readFile(join(home.folder, 'agent.log'), 'utf8');
  const startAgent = () =>
    spawnAgent(home, {
      configMap,
      kubeconfig,
      namespace: world.namespace,
      entry: '.cache/test/genops.mjs',
      statusPort,
    });
  const report = async () =>
    (await (await fetch(`http://127.0.0.1:${statusPort}/status`)).json()) as LoadBalancerReport;
  let visits = 0;
  const declare = (
    loadBalancer: Policy = {},
    { http = port, ...more }: { http?: number; tlsSecretRef?: { name: string }; plainHTTP?: 'Redirect' } = {},
  ) =>
    world.apply(
      generationService(
        {
          overrides: {
            loadBalancer: { weights: { minReloadInterval: '0s' }, ...loadBalancer },
            horizontal: { mode: 'Off' },
          },
          ...behindNginx(http, { ports: { http, https: securePort }, plainHTTP: 'Serve', ...more }),
        },
        { annotations: { 'genops.dev/visit': String((visits += 1)) } },
      ),
    );
  const applied = (reason = 'Applied') =>
    world.eventually(async () =>
      expectCondition(await world.service(), 'LoadBalancerApplied', {
        status: reason === 'Applied' ? 'True' : 'False',
        reason,
      }),
    );
  /** The operator looks every half minute without a nudge, and so does the agent. */
  const twoLooks = { withinMs: 60_000 };
  /** By the agent. The operator looks each half minute or when something is declared: a test that declares it again need not wait for it. */
  const accepted = () => world.eventually(async () => expect((await report()).rejected).toBeUndefined(), twoLooks);
  const edit = (value: string) => {
    const patch = [{ op: 'replace', path: '/data/settings.json', value }] as const;
    return world.kube.patch(configMaps, `${world.namespace}/${configMap}`, patch, { manager: 'edit' }, world.signal);
  };
  const workers = async () => children((await children(agent.pid ?? 0))[0] ?? 0);
  const answers = async (): Promise<string> => (await ask(port, '/api/x')).body;
  const only = (pod: string) =>
    world.eventually(async () => {
      expect((await report()).loaded?.servers).toEqual({ workflow: 1 });
      expect([await answers(), await answers()]).toEqual([pod, pod]);
    });

  beforeAll(async () => {
    world = stack.use(await startWorld({ operator: flags }));
    home = stack.use(await nginxFolder(version));
    proxy = stack.use(await startProxy(new URL((await loadConfig({ kubeconfig: kubeconfigPath() })).server)));
    // The certificate is not for the proxy's address.
    kubeconfig = await agentKubeconfig(world, home.folder, { server: proxy.url, 'insecure-skip-tls-verify': true });
    [port, securePort, statusPort] = [await freePort(), await freePort(), await freePort()];
    await mkdir(join(home.folder, 'tls'));
    pods = await Promise.all(
      ['first', 'second'].map((name) =>
        backend(
          (incoming, response) =>
            void (incoming.url === '/api/slow' ? slow.promise : Promise.resolve()).then(() => response.end(name)),
        ),
      ),
    );
    for (const pod of pods) stack.use(pod);
    await world.apply(deployment());
    await slice(world, 'first', pods[0]?.port ?? 0);
    stack.defer(async () => {
      if (agent !== undefined && !hasEnded(agent)) await stopServer(agent, 10_000);
    });
  });
  afterAll(async () => stack.disposeAsync());

  test('the service says what it waits for, then that nginx serves what is declared', async () => {
    await declare();
    expect((await applied('PodsBehind')).message).toContain('saw no running Pod with app=nginx');
    agent = await startAgent();
    await nginxPod(world, statusPort);
    expect((await applied()).message).toMatch(
      /^The Pod serves the settings [0-9a-f]{12} of ConfigMap .*\/generation-nginx, HTTP only/,
    );
    const { status } = await world.service();
    const { loaded } = await report();
    expect(status?.loadBalancer).toEqual({
      desiredHash: loaded?.hash,
      loadedHash: loaded?.hash,
      podsCurrent: 1,
      podsTotal: 1,
      serverVersion: expect.stringMatching(new RegExp(`^${version}\\.`)),
      method: 'LeastConn',
      weightMin: 32,
      weightMax: 32,
      observedAt: expect.any(String),
    });
    expect(await answers()).toBe('first');
    expect((await fetch(`http://127.0.0.1:${statusPort}/readyz`)).status).toBe(200);
  });

  test('nothing is written and nothing reloaded where nothing changes, however often somebody looks', async () => {
    const looks = () =>
      world.operator.counter('genops_reconcile_total', { controller: 'generation-service', result: 'success' });
    const stands = async () => [
      (await report()).loads,
      (await world.get(configMaps, configMap))?.metadata.resourceVersion,
      new Set(await workers()),
    ];
    const before = await stands();
    for (let look = 0; look < 3; look += 1) {
      const seen = await looks();
      await declare();
      await world.eventually(async () => expect(await looks()).toBeGreaterThan(seen));
    }
    expect(await stands()).toEqual(before);
  });

  test('Pods come and go, and requests go where they are', async () => {
    const { loads } = await report();
    await slice(world, 'second', pods[1]?.port ?? 0);
    await world.eventually(async () => expect((await report()).loaded?.servers).toEqual({ workflow: 2 }));
    await world.eventually(async () => expect(new Set([await answers(), await answers()]).size).toBe(2));
    await slice(world, 'first', pods[0]?.port ?? 0, false);
    await world.eventually(async () => expect((await report()).loaded?.servers).toEqual({ workflow: 1 }));
    await world.eventually(async () => expect([await answers(), await answers()]).toEqual(['second', 'second'])); // it asks each second
    expect((await report()).loads - loads).toBe(version === '1.22' ? 2 : 0);
  });

  test('Pods come and go each second, and no request on a new connection fails', async () => {
    await using moving = new AsyncDisposableStack();
    await slice(world, 'first', pods[0]?.port ?? 0);
    const statuses = new Map<number, number>();
    const asking = moving.use(
      keepAsking(async () => {
        const { status } = await ask(port, '/api/x');
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }),
    );
    const alive: Awaited<ReturnType<typeof backend>>[] = [];
    let turn = 0;
    for await (const _ of each(1_000, undefined, { signal: world.signal })) {
      const next = moving.use(await backend((_incoming, response) => void response.end(`${turn}`)));
      alive.push(next);
      await slice(world, 'second', next.port);
      if (alive.length > 3) await alive.shift()?.[Symbol.asyncDispose](); // it was told to end three seconds ago
      if ((turn += 1) >= 6 && ((statuses.get(200) ?? 0) > 60 || turn === 30)) break; // a busy machine asks fewer a second
    }
    await asking[Symbol.asyncDispose]();
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(60);
    await slice(world, 'second', pods[1]?.port ?? 0);
    await slice(world, 'first', pods[0]?.port ?? 0, false);
    await world.eventually(async () => expect([await answers(), await answers()]).toEqual(['second', 'second']));
  });

  test('what somebody edits in the ConfigMap is put back', async () => {
    const stood = (await world.get(configMaps, configMap))?.data?.['settings.json'];
    await edit('{}');
    await world.eventually(async () =>
      expect((await report()).rejected?.message).toContain('wanted a value that must have required property'),
    );
    expect(await answers()).toBe('second');
    await world.eventually(async () => expect((await report()).rejected).toBeUndefined(), twoLooks);
    expect((await world.get(configMaps, configMap))?.data?.['settings.json']).toBe(stood);
    await world.eventually(async () =>
      expect(await world.operator.counter('genops_drift_total', { lever: 'load-balancer' })).toBeGreaterThan(0),
    );
    await applied();
  });

  test('what nginx does not take is said in its words, what it took last is served, and Pods are followed all the same', async () => {
    const squatter = createServer().listen(0, '0.0.0.0');
    await once(squatter, 'listening');
    const { port: taken } = squatter.address() as { port: number };
    await declare({}, { http: taken });
    expect((await applied('ConfigRejected')).message).toMatch(
      /saw nginx-0: bind\(\) to .* failed \(98: Address (already )?in use\) \| still could not bind\(\); wanted nginx to take .* it goes on with what it took last/,
    );
    await slice(world, 'first', pods[0]?.port ?? 0);
    await slice(world, 'second', pods[1]?.port ?? 0, false);
    await world.eventually(async () => expect(await answers()).toBe('first'));
    squatter.close();
    await accepted(); // it tries again by itself
    await declare({}, { http: taken });
    await applied();
    expect((await ask(taken, '/api/x')).body).toBe('first');
    await declare();
    await applied();
    expect(await answers()).toBe('first');
  });

  test('another certificate is taken over as soon as it is there; one whose key does not fit is refused in the words of nginx', async () => {
    const authority = createAuthority('genops-test');
    const issue = (commonName: string) => issueCertificate({ commonName, names: ['localhost'] }, authority);
    const whoAnswers = async (): Promise<unknown> => {
      const socket = connectTls({ port: securePort, ca: authority.certificate, servername: 'localhost' });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    await declare({}, { tlsSecretRef: { name: 'tls' } });
    expect((await applied('CertificateMissing')).message).toMatch(
      /^saw no tls.crt and tls.key of Secret \S+\/tls: nginx-0 goes on with settings [0-9a-f]{12}, without HTTPS; .* next: create that Secret/,
    );
    expect(await answers()).toBe('first');
    const first = issue('first');
    await mountSecret(join(home.folder, 'tls'), first);
    await world.eventually(async () => expect(await whoAnswers()).toBe('first'));

    await mountSecret(join(home.folder, 'tls'), { ...first, key: issue('other').key });
    await world.eventually(
      async () => expect((await report()).rejected?.message).toContain('key values mismatch'),
      twoLooks,
    );
    await declare({}, { tlsSecretRef: { name: 'tls' } });
    expect((await applied('ConfigRejected')).message).toContain('key values mismatch');
    await world.eventually(async () => {
      await edit('garbage'); // each look puts it back
      expect((await applied('ConfigRejected')).message).toMatch(/saw nginx-0: saw no JSON; .*key values mismatch/);
    });
    expect(await whoAnswers()).toBe('first');
    await slice(world, 'second', pods[1]?.port ?? 0);
    await slice(world, 'first', pods[0]?.port ?? 0, false);
    await only('second'); // with a reload, too
    await stopServer(agent, 10_000);
    agent = await startAgent();
    await world.eventually(async () => expect(await whoAnswers()).toBe('first'));
    await world.eventually(async () => expect(await answers()).toBe('second')); // an nginx that resolves asks for its Pods first
    await world.eventually(async () => expect((await report()).rejected?.message).toContain('key values mismatch'));
    await slice(world, 'first', pods[0]?.port ?? 0);
    await slice(world, 'second', pods[1]?.port ?? 0, false);

    await mountSecret(join(home.folder, 'tls'), issue('second'));
    await world.eventually(async () => expect(await whoAnswers()).toBe('second'));
    await accepted(); // it is served before that is proven
    await declare({}, { tlsSecretRef: { name: 'tls' } });
    await applied();

    await rm(join(home.folder, 'tls', '..data')); // the Secret is gone
    await world.eventually(async () => expect((await report()).isWithoutPair).toBe(true), twoLooks);
    await declare({}, { tlsSecretRef: { name: 'tls' } });
    expect((await applied('CertificateMissing')).message).toContain('nginx-0 goes on with the pair that it took last');
    await stopServer(agent, 10_000);
    agent = await startAgent();
    await world.eventually(async () => expect(await whoAnswers()).toBe('second'));
    await declare();
    await world.eventually(async () => expect((await applied()).message).toContain('HTTP only'));
    await only('first');
  }, 240_000);

  test('one that starts anew without a certificate that nginx takes is not ready, says why, and serves nothing in the clear', async () => {
    const pair = issueCertificate({ commonName: 'front', names: ['localhost'] }, createAuthority('genops-test'));
    const other = issueCertificate({ commonName: 'front' }, createAuthority('other'));
    const says = (why: string) =>
      world.eventually(async () => {
        const ready = await fetch(`http://127.0.0.1:${statusPort}/readyz`);
        expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining(why)]);
      });
    await stopServer(agent, 10_000);
    await rm(join(home.folder, 'run'), { recursive: true }); // as a new Pod has it
    const redirected = { tlsSecretRef: { name: 'tls' }, plainHTTP: 'Redirect' } as const;
    await declare({}, redirected);
    await world.eventually(async () =>
      expect((await world.get(configMaps, configMap))?.data?.['settings.json']).toContain('"redirect"'),
    ); // what it took first it would go on with
    agent = await startAgent();
    await says('no tls.crt and tls.key in ');
    expect((await applied('CertificateMissing')).message).toContain('nginx-0 serves nothing and is not ready');
    await expect(answers()).rejects.toThrow('ECONNREFUSED');

    await mountSecret(join(home.folder, 'tls'), { ...pair, key: other.key });
    await says('key values mismatch');
    await declare({}, redirected);
    expect((await applied('ConfigRejected')).message).toContain('is not ready where that is nothing');
    await expect(answers()).rejects.toThrow('ECONNREFUSED');

    await mountSecret(join(home.folder, 'tls'), pair);
    await world.eventually(async () => expect((await ask(port, '/api/x')).status).toBe(308));
    await declare();
    await applied();
    await only('first');
  }, 120_000);

  test('a master that is stopped loads nothing: that is said, and over when it goes on', async () => {
    const [master = 0] = await children(agent.pid ?? 0);
    process.kill(master, 'SIGSTOP');
    try {
      await declare({ gzip: { level: 3 } });
      await world.eventually(async () =>
        expect((await applied('PodsBehind')).message).toMatch(
          /saw nginx-0: the master process of nginx \(\d+\) does not react: .*; next: wait: .* or delete the Pod/,
        ),
      );
      expect(await answers()).toBe('first');
    } finally {
      process.kill(master, 'SIGCONT');
    }
    await accepted();
    await declare({ gzip: { level: 3 } });
    await applied();
    expect(await answers()).toBe('first');
  });

  test('without an API server nginx serves on, also when it is started anew; a request under way ends before it does', async () => {
    proxy.refuse();
    const asked = ask(port, '/api/slow');
    await world.eventually(async () => expect(await answers()).toBe('first'));
    agent.kill('SIGTERM');
    await world.eventually(() => expect(answers()).rejects.toThrow('ECONNREFUSED'));
    expect(hasEnded(agent)).toBe(false);
    slow.resolve();
    expect((await asked).body).toBe('first');
    await world.eventually(() => expect(hasEnded(agent)).toBe(true));
    expect(agent.exitCode).toBe(0);
    const { stdout } = await run('ps', ['-eo', 'args']);
    expect(stdout.split('\n').filter((line) => line.includes(home.folder))).toEqual([]);

    agent = await startAgent();
    await world.eventually(async () => expect(await answers()).toBe('first'));
    proxy.accept();
    await slice(world, 'second', pods[1]?.port ?? 0);
    await world.eventually(async () => expect((await report()).loaded?.servers).toEqual({ workflow: 2 }));
  });

  test('where nginx itself is killed the agent ends, so that both are started anew', async () => {
    const [master = 0] = await children(agent.pid ?? 0);
    process.kill(master, 'SIGKILL');
    await world.eventually(() => expect(hasEnded(agent)).toBe(true));
    expect(agent.exitCode).toBe(1);
    expect(await log()).toContain('nginx has ended though nobody told it to');
  });
}
