import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { deployment } from '../world/builders.ts';
import { earlierVersion } from '../world/earlier-version.ts';
import { eventually } from '../world/eventually.ts';
import { startOperator } from '../world/operator-process.ts';
import { startPlane } from './kube-world.ts';

const run = promisify(execFile);
const services = ['-n', 'ai', '-o', 'json', 'gensvc'];
const all = ['-n', 'ai', '-o', 'json', 'gensvc,perf,configmap'];

interface Stored {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec?: object;
  readonly status?: { readonly observedGeneration?: number };
  readonly data?: object;
}

test('every object of an earlier version is as it was under the CRDs of this one, would be taken anew, and the operator of this one goes on with it', async () => {
  await using plane = await startPlane();
  await using earlier = await earlierVersion();
  const kubectl = (args: readonly string[], input: unknown = ''): Promise<string> =>
    call(plane, 'kubectl', args, input);
  const stored = async (what: readonly string[]) =>
    (JSON.parse(await kubectl(['get', ...what])) as { readonly items: readonly Stored[] }).items;
  const looked = async (): Promise<void> =>
    expect((await stored(services)).filter(({ metadata, status }) => status?.observedGeneration !== metadata.generation)).toEqual([]); // prettier-ignore
  const chart = join(earlier.folder, 'charts/genops'); // whose CRDs Helm makes, and never looks at again
  await call(plane, 'helm', ['install', 'genops', chart, '-n', 'genops-system', '--create-namespace']);
  await kubectl(['create', 'namespace', 'ai']);
  const { metadata, ...workload } = deployment();
  await kubectl(['create', '-f', '-'], { ...workload, metadata: { ...metadata, namespace: 'ai' } });
  await kubectl(['apply', '-f', join(earlier.folder, 'config/samples')]);
  const where = { kubeconfig: plane.kubeconfigPath, namespace: 'ai' };
  {
    await using _ = await startOperator({ ...where, program: join(earlier.folder, 'operator/main.ts') });
    await eventually(looked);
  }
  const before = await stored(all);
  expect(before.filter(({ kind }) => kind === 'GenerationService').length).toBeGreaterThan(3);
  expect(before.map(({ metadata: { name } }) => name)).toContain('generation-genops-state');

  await kubectl(['apply', '--server-side', '--force-conflicts', '-k', 'crds']);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);

  expect(await stored(all)).toEqual(before);
  const anew = before.flatMap(({ apiVersion, kind, metadata: { name }, spec }) =>
    spec === undefined ? [] : [{ apiVersion, kind, metadata: { name: `${name}-2`, namespace: 'ai' }, spec }],
  );
  const list = { apiVersion: 'v1', kind: 'List', items: anew };
  const created = await kubectl(['create', '--dry-run=server', '-f', '-'], list);
  expect(created.match(/ created \(server dry run\)$/gm)).toHaveLength(anew.length);

  await using operator = await startOperator(where);
  for (const service of await stored(services))
    await kubectl([
      'patch',
      'gensvc',
      service.metadata.name,
      '-n',
      'ai',
      '--type=merge',
      '-p',
      '{"spec":{"mode":"DryRun"}}',
    ]);
  await eventually(looked);
  expect(operator.wholeLog()).not.toMatch(/"level":"error"/);
}, 300_000);

async function call(
  { binDir, kubeconfigPath }: ControlPlane,
  name: 'kubectl' | 'helm',
  args: readonly string[],
  input: unknown = '',
): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfigPath };
  const running = run(join(binDir, name), args, { env, timeout: 60_000, maxBuffer: 2 ** 26 });
  running.child.stdin?.end(JSON.stringify(input));
  return (await running).stdout;
}
