import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { progressOn } from '../../hack/cluster/progress.ts';
import { oldestKubernetesProgram } from '../../hack/cluster/tools.ts';

const run = promisify(execFile);
const files = ['crds/genops.dev_generationservices.yaml', 'crds/genops.dev_performancepolicies.yaml'] as const;
let folder: string;
let programs: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-oldest-'));
  programs = await oldestKubernetesProgram(progressOn(process.stderr), AbortSignal.timeout(600_000));
}, 600_000);

afterAll(() => rm(folder, { recursive: true }));

async function complaints(...paths: readonly string[]): Promise<string> {
  return (await run(join(programs, 'oldest-kubernetes'), paths, { timeout: 60_000, maxBuffer: 2 ** 24 })).stdout;
}

test('the API server of the oldest minor that the chart takes has nothing against either CRD', async () => {
  const [chart, goMod] = await Promise.all([
    readFile('charts/genops/Chart.yaml', 'utf8'),
    readFile('hack/tools/oldest-kubernetes/go.mod', 'utf8'),
  ]);
  const [, minor] = /kubeVersion: '>=1\.(\d+)\.0-0'/.exec(chart) ?? [];
  expect(goMod).toContain(`k8s.io/apiextensions-apiserver v0.${minor}.`);
  expect(await complaints(...files)).toBe('');
});

test('and would have where a quantity may be of any length: its rules cost too much then', async () => {
  const endless = join(folder, 'endless.yaml');
  await writeFile(endless, (await readFile(files[0], 'utf8')).replaceAll(/maxLength: 20, (?=x-kubernetes-int)/g, ''));
  expect(await complaints(endless)).toContain('estimated rule cost total for entire OpenAPIv3 schema exceeds budget');
});
