import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { awaitChange, startLoop } from '../../operator/kube/loop.ts';
import { createOwnWrites } from '../../operator/kube/own-writes.ts';
import { createQueue } from '../../operator/kube/queue.ts';
import { eventually } from '../world/eventually.ts';
import { configMaps, openStage, soon, startPlane, watchConfigMaps } from './kube-world.ts';

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startPlane();
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

/**
 * Makes a change every 10 ms by the clock, at least 300 of them, and goes on until 100 were made within one second. Where the server is slow, several are under way and overtake each other.
 *
 * @returns How many were made, and how many within one second at most.
 */
async function changeByTheClock(change: (turn: number) => Promise<void>) {
  const madeAt: number[] = [];
  const began = performance.now();
  let [turns, mostInOneSecond] = [0, 0];
  const isDone = () => madeAt.length >= 300 && (mostInOneSecond >= 100 || performance.now() - began > 120_000);
  const lane = async () => {
    while (!isDone()) {
      const turn = ++turns;
      await pause(Math.max(0, began + turn * 10 - performance.now()));
      await change(turn);
      const now = performance.now();
      madeAt.push(now);
      const earlier = madeAt.findLastIndex((at) => now - at >= 1000) + 1;
      mostInOneSecond = Math.max(mostInOneSecond, madeAt.length - earlier);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return { made: madeAt.length, mostInOneSecond };
}

test('an object that changes 100 times a second is reconciled a few times, and the last time in its last state', async () => {
  await using stage = await openStage(plane);
  await stage.put('a', { n: '0' });
  await using watched = await watchConfigMaps(stage);
  const stop = new AbortController();
  const queue = createQueue({ name: 'test' });
  let changes = 0;
  watched.collection.onChange(({ key }) => {
    changes += 1;
    queue.add(key);
  });
  let isOver = false;
  const seen: unknown[] = [];
  let running = 0;
  const reconcile = async (key: string) => {
    running += 1;
    expect(running).toBe(1); // one key, so never two at a time
    const until = changes + 10;
    await eventually(() => expect(isOver || changes >= until).toBe(true)); // it takes as long as ten changes do
    seen.push(watched.collection.get(key));
    running -= 1;
    return awaitChange;
  };
  const loop = startLoop({ name: 'test', queue, reconcile, logger: stage.log }, stop.signal);

  const { made, mostInOneSecond } = await changeByTheClock((turn) => stage.put('a', { n: String(turn) }));
  expect(mostInOneSecond).toBeGreaterThanOrEqual(100);
  const key = `${stage.namespace}/a`;
  const last = await stage.direct.get(configMaps, key, soon());
  await eventually(() => expect(watched.collection.get(key)).toEqual(last?.data));
  isOver = true;
  await eventually(() => expect(seen.at(-1)).toEqual(last?.data));
  expect(seen.length).toBeLessThanOrEqual(made / 10 + 2);
  stop.abort(new Error('done'));
  await loop.ended;
});

test('what we wrote is not written again while its event is under way', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchConfigMaps(stage);
  const own = createOwnWrites<Readonly<Record<string, string>>>(watched.collection);
  const key = `${stage.namespace}/a`;
  let writes = 0;
  const ensure = async (data: Readonly<Record<string, string>>) => {
    if (own.covers(key, data) || isDeepStrictEqual(watched.collection.get(key), data)) return;
    own.begin(key, data);
    const manifest = { metadata: { namespace: stage.namespace, name: 'a' }, data };
    own.end(key, await stage.direct.apply(configMaps, manifest, { manager: 'us' }, soon()));
    writes += 1;
  };
  for (let turn = 0; turn < 20; turn += 1) {
    for (let times = 0; times < 10; times += 1) await ensure({ n: String(turn) });
  }
  expect(writes).toBe(20);

  await eventually(() => expect(watched.collection.get(key)).toEqual({ n: '19' }));
  await stage.remove('a'); // by somebody else: what we remember must not hide it
  await eventually(() => expect(watched.collection.get(key)).toBeUndefined());
  await ensure({ n: '19' });
  expect(writes).toBe(21);
});

test('an index finds objects, and a change that does not matter wakes nobody', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchConfigMaps(stage, {
    indexes: { app: ({ app }) => (app === undefined ? [] : [app]) },
    isSame: (before, after) => before['app'] === after['app'],
  });
  const woken: string[] = [];
  watched.collection.onChange(({ key }) => woken.push(key));
  for (const name of ['a', 'b']) await stage.put(name, { app: 'x', n: '1' });
  await eventually(() => expect(watched.collection.by('app', 'x')).toHaveLength(2));
  await stage.put('a', { app: 'x', n: '2' });
  await stage.put('b', { app: 'y', n: '2' });
  await eventually(() => expect(watched.collection.by('app', 'y')).toHaveLength(1));
  expect(watched.collection.by('app', 'x')).toEqual([{ app: 'x', n: '1' }]);
  expect(woken.map((key) => key.split('/')[1])).toEqual(['a', 'b', 'b']);
});

test('10 000 objects of 6.5 kB take less than 2 kB each, of which ten fields are kept', async () => {
  await using stage = await openStage(plane);
  const filler = 'x'.repeat(6000);
  let next = 0;
  const create = async () => {
    for (let at = next++; at < 10_000; at = next++) {
      const data = {
        app: `app-${at % 50}`,
        node: `node-${at % 100}`,
        address: `10.0.${at >> 8}.${at & 255}`,
        phase: 'Running',
        cpu: '500',
        memory: '1073741824',
        filler,
      };
      const metadata = { namespace: stage.namespace, name: `object-${at}`, labels: { app: `app-${at % 50}` } };
      await stage.direct.create(configMaps, { metadata, data }, {}, soon());
    }
  };
  await Promise.all(Array.from({ length: 16 }, create));

  const script = fileURLToPath(new URL('kube-cache-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    script,
    plane.kubeconfigPath,
    stage.namespace,
  ]);
  const { size, before, after, peak } = JSON.parse(stdout) as Record<
    'before' | 'after',
    Record<'heapUsed' | 'rss', number>
  > &
    Record<'size' | 'peak', number>;
  process.stderr.write(
    `  10 000 objects: heap ${mb(before.heapUsed)} → ${mb(after.heapUsed)}, RSS ${mb(before.rss)} → ${mb(after.rss)}, peak ${mb(peak)}\n`,
  );
  expect(size).toBeGreaterThanOrEqual(10_000);
  expect((after.heapUsed - before.heapUsed) / size).toBeLessThan(2000);
});
