import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { main } from '../../operator/cli/main.ts';
import { apiService, externalService } from '../bench/manifests.ts';
import { deployment, generationService } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { startOperator } from '../world/operator-process.ts';

const run = promisify(execFile);
const served = 'v1beta2.custom.metrics.k8s.io';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await controlPlane({ controllers: true, progress: progressOn(process.stderr) }, AbortSignal.timeout(900_000));
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

test('with the role edit a plan takes the metrics API for what the operator takes it for, and does not guess while it is down', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'genops-diff-api-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const kubectl = async (...args: readonly string[]): Promise<string> =>
    (await run(path.join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args])).stdout;
  const apply = async (namespace: string, ...objects: readonly object[]): Promise<void> => {
    const file = path.join(folder, 'objects.yaml');
    await writeFile(file, objects.map((object) => stringify(object)).join('---\n'));
    await kubectl('apply', '-n', namespace, '-f', file);
  };
  for (const namespace of ['ai', 'genops-system']) await kubectl('create', 'namespace', namespace);
  await kubectl('apply', '--server-side', '-k', 'crds');
  await kubectl('apply', '-f', 'config/rbac/users.yaml');
  await kubectl('create', 'rolebinding', 'jane', '-n', 'ai', '--clusterrole=edit', '--user=jane');
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');

  const authority = createAuthority('metrics-api-ca');
  const { certificate, key } = issueCertificate({ commonName: 'genops', names: ['genops.genops-system.svc'] }, authority); // prettier-ignore
  await writeFile(path.join(folder, 'tls.crt'), certificate);
  await writeFile(path.join(folder, 'tls.key'), key);
  const port = await freePort();
  const flags = ['--metrics-api-service', 'genops-system/genops', '--tls-cert-dir', folder, '--api-bind-address', `127.0.0.1:${port}`]; // prettier-ignore
  await using operator = await startOperator({ kubeconfig: plane.kubeconfigPath, namespace: 'ai', flags });
  const place = { namespace: 'genops-system', name: 'genops', port, group: 'custom.metrics.k8s.io', ca: authority.certificate }; // prettier-ignore
  await apply(
    'genops-system',
    { apiVersion: 'v1', kind: 'Service', ...externalService({ ...place, version: '' }) },
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', ...apiService({ ...place, version: 'v1beta2' }) },
  );
  await kubectl('wait', `apiservice/${served}`, '--for=condition=Available', '--timeout=60s');
  await apply('ai', deployment(), generationService());

  const jane = path.join(folder, 'jane.yaml');
  const config = parse(await readFile(plane.kubeconfigPath, 'utf8')) as { users: readonly { user: object }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { ...entry.user, as: 'jane' } }));
  await writeFile(jane, stringify({ ...config, users }), { mode: 0o600 });
  const genops = async (command: 'diff' | 'report') => {
    let [out, err] = ['', ''];
    const args = [command, 'generation', '-n', 'ai', '--kubeconfig', jane];
    const sinks = { out: { write: (text: string) => (out += text) }, err: { write: (text: string) => (err += text) } };
    const code = await main({ args, env: {}, ...sinks, signal: AbortSignal.timeout(60_000) });
    return { code, out, err };
  };

  await eventually(async () => {
    expect(await kubectl('get', 'hpa', '-n', 'ai', '-o', 'yaml')).toContain('requests_per_second');
    expect(await genops('diff')).toMatchObject({ code: 0, err: '' });
  });

  await operator.kill();
  await kubectl('wait', `apiservice/${served}`, '--for=condition=Available=False', '--timeout=60s');
  const down = await genops('diff');
  expect(down).toMatchObject({ code: 2, err: '' });
  expect(down.out).toMatch(
    /^horizontal\/workflow: saw .*custom\.metrics\.k8s\.io.*; wanted to know whether HPAs read/m,
  );
  expect(down.out).not.toMatch(/to change|→/);
  expect(await genops('report')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/horizontal\/workflow: saw .*; next: kubectl describe apiservice v1beta2/),
  });

  const other = { ...place, name: 'adapter', version: 'v1beta1' };
  await apply(
    'genops-system',
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', ...apiService(other) },
    { apiVersion: 'v1', kind: 'Service', ...externalService(other) },
  );
  await eventually(async () => {
    const shared = await genops('diff'); // another's version beside ours: the operator leaves the whole group alone
    expect(shared).toMatchObject({ code: 1, err: '' });
    expect(shared.out).toMatch(/^ +spec\.metrics .*requests_per_second.*→/m);
  });
});
