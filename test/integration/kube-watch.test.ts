import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { openCollection } from '../../operator/kube/collection.ts';
import { eventually } from '../world/eventually.ts';
import {
  configMaps,
  namespaces,
  openStage,
  soon,
  startPlane,
  watchConfigMaps,
  type Stage,
  type Watched,
} from './kube-world.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startPlane();
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

const shows = (stage: Stage, { collection }: Watched, name: string, data: object | undefined) =>
  eventually(() => expect(collection.get(`${stage.namespace}/${name}`)).toEqual(data), {
    explain: async () => stage.log.lines.join('\n'),
  });

/** The watch is open: from now on it is this connection that counts. */
async function isOpen(stage: Stage, watched: Watched): Promise<void> {
  await stage.put('opened', { n: '0' });
  await shows(stage, watched, 'opened', { n: '0' });
}

test('shows what was there and what becomes of it, and tells what was before', async () => {
  await using stage = await openStage(plane);
  await stage.put('a', { n: '1' });
  await using watched = await watchConfigMaps(stage);
  const changes: unknown[] = [];
  watched.collection.onChange((change) => changes.push(change));
  const key = `${stage.namespace}/a`;
  expect(watched.collection.get(key)).toEqual({ n: '1' });
  await stage.put('a', { n: '2' });
  await shows(stage, watched, 'a', { n: '2' });
  await stage.remove('a');
  await shows(stage, watched, 'a', undefined);
  expect(changes).toEqual([
    { key, before: { n: '1' }, after: { n: '2' } },
    { key, before: { n: '2' } },
  ]);
  expect(watched.told).toEqual(['list']);
});

test('goes on where it was when the server ends the watch: nothing is listed, nothing missed', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchConfigMaps(stage, { watchSeconds: 1 });
  for (let turn = 1; watched.count('resume') < 3; turn += 1) {
    await stage.put('a', { n: String(turn) });
    await shows(stage, watched, 'a', { n: String(turn) });
  }
  expect(watched.told.filter((what) => what !== 'resume')).toEqual(['list']); // no failure either
});

test('goes on where it was when the connection is cut in the middle of a message', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchConfigMaps(stage);
  await isOpen(stage, watched);
  stage.proxy.cutAfter(700); // of the 2 kB that follow
  await stage.put('a', { text: 'x'.repeat(2000) });
  await shows(stage, watched, 'a', { text: 'x'.repeat(2000) });
  expect(watched.told).toEqual(['list', 'error', 'watch']);
});

test('notices that a watch is silently dead, and opens it anew', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchConfigMaps(stage, { silenceMs: 1000 });
  await isOpen(stage, watched);
  stage.proxy.stall();
  await stage.put('a', { n: '1' });
  await shows(stage, watched, 'a', { n: '1' });
  expect(watched.count('silent')).toBeGreaterThanOrEqual(1);
  expect(watched.count('list')).toBe(1);
});

test('lists anew when the server no longer knows what came after (410), and finds what was deleted meanwhile', async () => {
  await using stage = await openStage(plane);
  for (const name of ['stays', 'changes', 'goes']) await stage.put(name, { n: '1' });
  await using watched = await watchConfigMaps(stage);
  const changed: string[] = [];
  watched.collection.onChange(({ key, after }) =>
    changed.push(`${key.split('/')[1]} ${after === undefined ? 'gone' : 'there'}`),
  );

  stage.proxy.refuse();
  await stage.put('changes', { n: '2' });
  await stage.remove('goes');
  await plane.kill('kube-apiserver'); // a new one knows nothing of the versions before its start
  await plane.start('kube-apiserver');
  stage.proxy.accept();

  await shows(stage, watched, 'goes', undefined);
  await shows(stage, watched, 'changes', { n: '2' });
  expect(watched.count('expired')).toBe(1);
  expect(watched.count('list')).toBe(2);
  expect(changed.filter((line) => !line.startsWith('kube-root-ca')).toSorted()).toEqual(['changes there', 'goes gone']); // `stays` woke nobody
});

test('outlives the API server: answers from what it saw, asks for ever, and says so', async () => {
  await using stage = await openStage(plane);
  await stage.put('a', { n: '1' });
  await using watched = await watchConfigMaps(stage);
  await plane.kill('kube-apiserver');
  await eventually(() => expect(watched.count('watch')).toBeGreaterThan(3)); // asked again and again
  expect(watched.collection.get(`${stage.namespace}/a`)).toEqual({ n: '1' });
  await plane.start('kube-apiserver');
  await stage.put('a', { n: '2' });
  await shows(stage, watched, 'a', { n: '2' });
  expect(watched.collection.problem()).toBeUndefined();
});

test('reads each of its namespaces, and nothing of others', async () => {
  await using stage = await openStage(plane);
  await using other = await openStage(plane);
  await using third = await openStage(plane);
  for (const [at, each] of [stage, other, third].entries()) await each.put('a', { n: String(at) });
  await using watched = await watchConfigMaps(stage, { namespaces: [stage.namespace, other.namespace] });
  const figures = () => [...watched.collection.list()].flatMap(({ n = [] }) => n).toSorted();
  expect(figures()).toEqual(['0', '1']);
  await other.put('a', { n: '4' });
  await third.put('a', { n: '5' });
  await stage.remove('a');
  await eventually(() => expect(figures()).toEqual(['4']));
});

test('what belongs to no namespace is listed once, whatever namespaces are looked after', async () => {
  await using stage = await openStage(plane);
  const told: string[] = [];
  await using collection = openCollection({
    kube: stage.direct,
    resource: namespaces,
    namespaces: ['default', stage.namespace],
    project: ({ metadata }) => metadata.name,
    logger: stage.log,
    metrics: { started: (_, what) => told.push(what), failed: () => undefined },
  });
  await collection.synced(soon());
  expect(collection.get(stage.namespace)).toBe(stage.namespace);
  expect(told).toEqual(['list']);
});

test('says why it is not synced, and becomes so when it can', async () => {
  await using stage = await openStage(plane);
  stage.proxy.refuse();
  const opening = watchConfigMaps(stage);
  await eventually(() => expect(stage.log.lines.join()).toContain('watch failed'));
  stage.proxy.accept();
  await using watched = await opening;
  expect(watched.collection.problem()).toBeUndefined();
});

test('knows which writes it has seen', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchConfigMaps(stage, { silenceMs: 10_000 });
  const key = `${stage.namespace}/a`;
  await isOpen(stage, watched);
  stage.proxy.stall();
  await stage.put('a', { n: '1' });
  const written = await stage.direct.get(configMaps, key, soon());
  const version = written?.metadata.resourceVersion ?? '';
  expect(watched.collection.hasSeen(key, version)).toBe(false);
  await shows(stage, watched, 'a', { n: '1' });
  expect(watched.collection.hasSeen(key, version)).toBe(true);
});

test('a server that cannot begin a watch with a list is asked for pages, and what is gone is found there too', async () => {
  await using older = await startPlane('--feature-gates=WatchList=false');
  await using stage = await openStage(older);
  const names = Array.from({ length: 510 }, (_, at) => `a${at}`); // two pages
  await Promise.all(names.map((name) => stage.put(name, { n: '1' })));
  await using watched = await watchConfigMaps(stage);
  expect([...watched.collection.list()].filter(({ n }) => n === '1')).toHaveLength(510);
  stage.proxy.refuse();
  await stage.remove('a7');
  await older.kill('kube-apiserver');
  await older.start('kube-apiserver');
  stage.proxy.accept();
  await shows(stage, watched, 'a7', undefined);
  expect(watched.told.filter((what) => what === 'list' || what === 'expired')).toEqual([
    'list',
    'list',
    'expired',
    'list',
  ]);
});
