import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { events, openEvents, type EventInput, type EventOptions } from '../../operator/kube/events.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { eventually } from '../world/eventually.ts';
import { configMaps, openStage, soon, startPlane, type Stage } from './kube-world.ts';

interface Event extends KubeObject {
  readonly note: string;
  readonly reason: string;
  readonly regarding: { readonly name: string; readonly uid: string };
  readonly series?: { readonly count: number };
}

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startPlane();
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

const open = (stage: Stage, options: Partial<EventOptions> = {}) =>
  openEvents({ kube: stage.direct, controller: 'example.com/test', instance: 'test-0', logger: stage.log, ...options });

async function regarding(stage: Stage): Promise<EventInput> {
  await stage.put('a', {});
  const object = await stage.direct.get(configMaps, `${stage.namespace}/a`, soon());
  if (object === undefined) throw new Error('it was just made');
  return {
    regarding: object,
    type: 'Warning',
    reason: 'Unreachable',
    action: 'ApplyRedis',
    note: 'redis:6379 does not answer',
  };
}

const stored = async (stage: Stage) =>
  (await stage.direct.list(events, { namespace: stage.namespace }, soon())) as readonly Event[];

test('what is said again is counted in one Event, what is different is another', async () => {
  await using stage = await openStage(plane);
  const event = await regarding(stage);
  await using recorder = open(stage, { updateMs: 300 });
  recorder.record(event);
  await recorder.flush(soon());
  expect(await stored(stage)).toMatchObject([
    { reason: 'Unreachable', regarding: { name: 'a', uid: event.regarding.metadata.uid } },
  ]);
  for (let times = 0; times < 49; times += 1) recorder.record(event);
  await eventually(async () => expect(await stored(stage)).toMatchObject([{ series: { count: 50 } }]));
  recorder.record({ ...event, note: 'redis:6380 does not answer' });
  await recorder.flush(soon());
  expect((await stored(stage)).map(({ note }) => note).toSorted()).toEqual([
    'redis:6379 does not answer',
    'redis:6380 does not answer',
  ]);
});

test('a flood is bounded, also while the server is gone', async () => {
  await using stage = await openStage(plane);
  const event = await regarding(stage);
  stage.proxy.refuse();
  await using recorder = open(stage, { kube: stage.proxied, limit: 20 });
  for (let at = 0; at < 10_000; at += 1) recorder.record({ ...event, note: `note ${at}` });
  stage.proxy.accept();
  await recorder.flush(soon());
  expect((await stored(stage)).length).toBeLessThanOrEqual(20);
  expect(stage.log.lines).toContainEqual(expect.stringContaining('"dropped":998'));
});

test('a note that is longer than an Event may have is cut off, and told all the same', async () => {
  await using stage = await openStage(plane);
  const event = await regarding(stage);
  await using recorder = open(stage);
  const notes = ['a'.repeat(1_024), 'b'.repeat(1_025), `cd${'→'.repeat(400)}`];
  for (const note of notes) recorder.record({ ...event, note });
  await recorder.flush(soon());
  expect((await stored(stage)).map(({ note }) => note).toSorted()).toEqual([
    notes[0],
    `${'b'.repeat(1_021)}…`,
    `cd${'→'.repeat(339)}…`,
  ]);
});
