import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeImage, type Image } from '../../hack/image/archive.ts';
import { buildImage } from '../../hack/image/build.ts';
import { operatorImage } from '../../hack/image/operator.ts';
import { pauseImage } from '../../hack/image/pause.ts';
import { postgresImage } from '../../hack/image/postgres.ts';
import { redisImage } from '../../hack/image/redis.ts';
import { workloadImage } from '../../hack/image/workload.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { workloadManifests } from '../workload/manifests.ts';
import type { BackendFigures } from '../workload/service/views.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { startWorld } from '../world/world.ts';

const run = promisify(execFile);
const patience = (): AbortSignal => AbortSignal.timeout(100_000);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-image-'));
});
afterAll(() => rm(folder, { recursive: true }));

const entriesOf = async (tarPath: string): Promise<readonly string[]> => {
  const { stdout } = await run('sh', ['-c', `tar xOf ${tarPath} layer.tar | tar tv --numeric-owner`]);
  return stdout.trim().split('\n');
};

describe('writeImage()', () => {
  const image: Image = {
    name: 'genops-test:dev',
    files: [
      { path: '/app/main.mjs', content: 'export {};' },
      { path: '/tmp', folder: true, mode: 0o1777 },
      { path: `/deep/${'very-long-folder-name/'.repeat(8)}file`, content: new Uint8Array([0, 255]) },
      { path: '/bin/self', from: import.meta.filename, mode: 0o755 },
    ],
    config: { entrypoint: ['/bin/self'], user: '65532:65532', env: { A: 'b' } },
  };

  test('writes the same bytes for the same files, in whatever order they are given', async () => {
    const [one, two] = [join(folder, 'one.tar'), join(folder, 'two.tar')];
    const first = await writeImage(image, one, patience());
    const second = await writeImage({ ...image, files: image.files.toReversed() }, two, patience());
    expect(second).toEqual(first);
    expect((await readFile(one)).equals(await readFile(two))).toBe(true);
  });

  test('writes entries that tar reads: sorted, root, time zero, folders before what is in them', async () => {
    const tarPath = join(folder, 'entries.tar');
    await writeImage(image, tarPath, patience());
    const entries = await entriesOf(tarPath);
    const fields = entries.map((line) => line.split(/\s+/));
    expect(fields.map(([mode, owner, , date]) => [mode?.length, owner, date])).toEqual(entries.map(() => [10, '0/0', '1970-01-01'])); // prettier-ignore
    expect(fields.map((parts) => parts[5]).slice(0, 4)).toEqual(['app', 'app/main.mjs', 'bin', 'bin/self']);
    expect(entries.find((line) => line.endsWith(' tmp'))).toMatch(/^drwxrwxrwt/);
    expect(entries.find((line) => line.endsWith('very-long-folder-name/file'))).toMatch(/^-rw-r--r-- 0\/0\s+2 /);
  });

  test('leaves nothing behind when a file is missing, and refuses two files for one path', async () => {
    const tarPath = join(folder, 'missing.tar');
    const missing: Image = { ...image, files: [{ path: '/x', from: join(folder, 'nothing') }] };
    await expect(writeImage(missing, tarPath, patience())).rejects.toThrow('ENOENT');
    expect(existsSync(tarPath)).toBe(false);
    const twice: Image = { ...image, files: [...image.files, { path: '/app//main.mjs', content: '' }] };
    await expect(writeImage(twice, tarPath, patience())).rejects.toThrow('two entries for /app/main.mjs');
  });
});

test('buildImage() builds again only when an input has changed, and keeps a few', async () => {
  const cache = process.env['GENOPS_CACHE'];
  using restored = new DisposableStack();
  restored.defer(() =>
    cache === undefined ? delete process.env['GENOPS_CACHE'] : (process.env['GENOPS_CACHE'] = cache),
  );
  process.env['GENOPS_CACHE'] = folder;
  const source = join(folder, 'source');
  await writeFile(source, 'first');
  const image: Image = {
    name: 'genops-test:dev',
    files: [{ path: '/x', from: source }],
    config: { entrypoint: ['/x'] },
  };
  const first = await buildImage(image, patience());
  expect(first.isNew).toBe(true);
  expect(await buildImage(image, patience())).toEqual({ ...first, isNew: false });
  await writeFile(source, 'second');
  const second = await buildImage(image, patience());
  expect(second.isNew).toBe(true);
  expect(second.digest).not.toBe(first.digest);
  for (let edit = 3; edit <= 6; edit += 1) {
    await writeFile(source, String(edit));
    await buildImage(image, patience());
  }
  expect(await readdir(join(folder, 'images/genops-test-dev'))).toHaveLength(4);
});

test.each([
  ['operator', operatorImage],
  ['workload', workloadImage],
  ['redis', redisImage],
  ['postgres', postgresImage],
])('the image of the %s comes out the same twice', async (name, describeImage) => {
  const [one, two] = [join(folder, `${name}-1.tar`), join(folder, `${name}-2.tar`)];
  const first = await writeImage(await describeImage(patience()), one, patience());
  const second = await writeImage(await describeImage(patience()), two, patience());
  expect(second).toEqual(first);
});

test('the pause image is one small static program', async () => {
  const tarPath = join(folder, 'pause.tar');
  const first = await pauseImage(tarPath, patience());
  expect(first.sizeBytes).toBeLessThan(3_000_000);
  expect((await entriesOf(tarPath)).map((line) => line.split(' ').at(-1))).toEqual(['pause']);
  expect(await pauseImage(tarPath, patience())).toEqual(first);
});

test('the workload runs under `restricted` with its Redis, its PostgreSQL and its model, and uses each of them and its threads', async () => {
  await clusterTools(['workload', 'redis', 'postgres'], patience());
  await using world = await startWorld({ operator: false });
  for (const manifest of await workloadManifests(world.namespace, { withBackends: true })) await world.apply(manifest);

  const ready = await world.eventually(
    async () => {
      const pods = await world.kube.list(podResource, { namespace: world.namespace }, world.signal);
      const running = pods.filter(({ status }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      );
      expect(running).toHaveLength(5);
      return running;
    },
    { withinMs: 100_000 },
  );

  const ip = ready.find(({ metadata }) => metadata.name.startsWith('workflow-execution'))?.status?.podIP;
  const ask = (path: string, method = 'GET') =>
    fetch(`http://${ip}:8080${path}`, { method, signal: AbortSignal.timeout(10_000) });
  await world.eventually(async () => {
    const response = await ask('/api/item/1');
    expect([response.headers.get('x-cache'), await response.text()]).toEqual(['hit', expect.stringContaining('value')]); // so its Redis was reached by name, or the text says why not
  });
  await world.eventually(async () => expect((await ask('/api/workflow', 'POST')).status).toBe(200)); // so the name of its model leads to it by now
  const { postgresPool, ...others } = (await (await ask('/api/backends/status')).json()) as BackendFigures;
  expect(others).toMatchObject({ cpuPool: { threads: 4 } });
  expect(others.cpuPool?.tasks).toBeGreaterThan(0);
  expect(others.httpPool?.answers).toBeGreaterThan(0);
  expect(postgresPool?.statements).toBeGreaterThan(0);
});
