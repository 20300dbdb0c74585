import { expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { main } from '../../operator/cli/main.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, kubeconfigPath, startWorld } from '../world/world.ts';

/** `genops ARGS` as somebody calls it. */
async function genops(signal: AbortSignal, ...args: readonly string[]) {
  let [out, err] = ['', ''];
  const code = await main({
    args,
    env: {},
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal,
  });
  return { code, out, err };
}

test('what is planned now is planned again from the bundle alone, in which nothing of a Secret stands', async () => {
  await using world = await startWorld({ redis: [{}] });
  const directory = await mkdtemp(path.join(tmpdir(), 'genops-report-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true }));
  await world.apply(deployment());
  await world.apply(generationService({ redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }));
  await world.eventually(async () => expectCondition(await world.service(), 'RedisApplied', { status: 'True' }));
  await world.operator.kill();
  await world.redis[0]?.configSet('maxmemory-policy', 'noeviction');
  const where = ['--kubeconfig', kubeconfigPath(), '-n', world.namespace];

  const diff = await genops(world.signal, 'diff', 'generation', ...where);
  expect(diff).toMatchObject({ code: 1, out: expect.stringContaining('maxmemory-policy') });
  for (const output of ['yaml', 'json']) {
    const report = await genops(world.signal, 'report', 'generation', ...where, '-o', output);
    expect(report).toMatchObject({ code: 0, err: '' });
    expect(report.out).not.toContain('127.0.0.1');
    expect(report.out).toContain('(host of a Secret)');
    expect(parse(report.out)).toMatchObject({
      service: { metadata: { name: 'generation' } },
      status: { mode: 'Enforce' },
    });
    const file = path.join(directory, `bundle.${output}`);
    await writeFile(file, report.out);
    expect(await genops(world.signal, 'replay', file)).toEqual({ code: 0, out: diff.out, err: '' });
  }

  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'redis' }, stringData: { host: 'redis' } });
  const elsewhere = await genops(world.signal, 'report', 'generation', ...where);
  expect(elsewhere).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /redis\/cache: saw no host .*; next: kubectl exec .* report generation -n .* > bundle.yaml\n$/,
    ),
    out: expect.stringContaining('next: genops diff beside the cluster has the next step'),
  });
  expect(elsewhere.out).not.toMatch(/kubectl port-forward/);
}, 120_000);
