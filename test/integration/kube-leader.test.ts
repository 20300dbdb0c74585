import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { lead, type Leadership } from '../../operator/kube/leader.ts';
import { leases, type Holder } from '../../operator/kube/lease.ts';
import { eventually } from '../world/eventually.ts';
import { openStage, soon, startPlane, watchConfigMaps, type Stage } from './kube-world.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startPlane();
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

/** A manager in a process of its own, and what it said. It is gone at the end, frozen or not. */
function startManager(stage: Stage, name: string, { leaseMs = 3000 } = {}) {
  const script = fileURLToPath(new URL('kube-leader-process.ts', import.meta.url));
  const args = [script, plane.kubeconfigPath, stage.namespace, name, String(leaseMs)];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout?.on('data', (bytes) => (said += String(bytes)));
  const ended = once(child, 'exit');
  return {
    says: (text: string) =>
      eventually(() => expect(`\n${said}`).toContain(`\n${text} `), {
        withinMs: 20_000,
        explain: async () => `${name} said:\n${said}`,
      }),
    said: () => said,
    signal: (signal: NodeJS.Signals) => child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Who wrote, in the order in which the server took it; repetitions left out. */
async function watchWriters(stage: Stage) {
  const watched = await watchConfigMaps(stage);
  const writers: string[] = [];
  watched.collection.onChange(({ after }) => {
    const by = after?.['by'];
    if (by !== undefined && by !== writers.at(-1)) writers.push(by);
  });
  return { writers, [Symbol.asyncDispose]: () => watched[Symbol.asyncDispose]() };
}

test('a leader that is killed is followed by the other one', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchWriters(stage);
  await using first = startManager(stage, 'first');
  await first.says('leads');
  await using second = startManager(stage, 'second');
  await eventually(() => expect(watched.writers).toEqual(['first']));
  first.signal('SIGKILL');
  await second.says('leads');
  await eventually(() => expect(watched.writers).toEqual(['first', 'second']));
  const lease = await stage.direct.get(leases, `${stage.namespace}/leader`, soon());
  expect(lease?.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1, leaseDurationSeconds: 3 });
});

test('a leader that is told to stop lets go of the Lease: the other one need not wait for its end', async () => {
  await using stage = await openStage(plane);
  const long = { leaseMs: 600_000 }; // nobody here waits for its end
  await using first = startManager(stage, 'first', long);
  await first.says('leads');
  await using second = startManager(stage, 'second', long);
  await second.says('another one leads: waiting');
  first.signal('SIGTERM');
  await first.says('ended');
  await first.ended;
  await second.says('leads');
});

test('a leader that was frozen writes nothing once another one leads', async () => {
  await using stage = await openStage(plane);
  await using watched = await watchWriters(stage);
  await using first = startManager(stage, 'first');
  await first.says('leads');
  await using second = startManager(stage, 'second');
  await eventually(() => expect(watched.writers).toEqual(['first']));
  first.signal('SIGSTOP');
  await second.says('leads');
  await eventually(() => expect(watched.writers).toEqual(['first', 'second']));
  first.signal('SIGCONT');
  await first.says('leadership lost');
  second.signal('SIGTERM');
  await eventually(() => expect(watched.writers).toEqual(['first', 'second', 'first'])); // and leads again when it may
  expect(first.said().match(/^leads /gm)).toHaveLength(2);
});

test('a leader that cannot reach the API server stops acting before another may start, and leads again later', async () => {
  await using stage = await openStage(plane);
  const [stop, stopOther] = [new AbortController(), new AbortController()];
  const told: string[] = [];
  const times = { leaseMs: 3000, renewDeadlineMs: 2000, renewMs: 500, retryMs: 300 };
  const options = {
    namespace: stage.namespace,
    name: 'leader',
    logger: stage.log,
    ...times,
  };
  const work = (identity: string) => async (leadership: Leadership) => {
    told.push(`${identity} begins`);
    await new Promise((resolve) => leadership.signal.addEventListener('abort', resolve));
    told.push(`${identity} ends, ${leadership.isHeld() ? 'leading' : 'leading no more'}`);
  };
  const leading = lead({ ...options, kube: stage.proxied, identity: 'first' }, work('first'), stop.signal);
  await eventually(() => expect(told).toEqual(['first begins']));
  const other = lead({ ...options, kube: stage.direct, identity: 'other' }, work('other'), stopOther.signal);
  stage.proxy.swallow();
  const lost = ['first begins', 'first ends, leading no more', 'other begins'];
  await eventually(() => expect(told).toEqual(lost));
  stage.proxy.accept();
  stopOther.abort(new Error('done'));
  await other;
  await eventually(() => expect(told.at(-1)).toBe('first begins'));
  stop.abort(new Error('done'));
  await leading;
  const lease = await stage.direct.get(leases, `${stage.namespace}/leader`, soon());
  expect(lease?.spec?.holderIdentity).toBe(''); // let go of
});

test('who waits sees who leads, and what that one says of itself; a release takes it off', async () => {
  await using stage = await openStage(plane);
  const [stop, stopOther] = [new AbortController(), new AbortController()];
  const times = { leaseMs: 3000, renewDeadlineMs: 2000, renewMs: 500, retryMs: 300 };
  const options = { kube: stage.direct, namespace: stage.namespace, name: 'leader', logger: stage.log, ...times };
  const untilAborted = ({ signal }: Leadership) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  const annotations = { 'test/address': '10.0.0.7:8443' };
  const leading = lead({ ...options, identity: 'first', annotations }, untilAborted, stop.signal);
  await eventually(async () =>
    expect(await stage.direct.get(leases, `${stage.namespace}/leader`, soon())).toMatchObject({
      metadata: { annotations },
    }),
  );
  const seen: Holder[] = [];
  const onHolder = (holder: Holder) => void seen.push(holder);
  const other = lead({ ...options, identity: 'other', onHolder }, untilAborted, stopOther.signal);
  await eventually(() => expect(seen.at(-1)).toEqual({ holder: 'first', annotations }));
  stop.abort(new Error('done'));
  await leading;
  await eventually(() => expect(seen.at(-1)).toEqual({ holder: 'other', annotations: {} }));
  expect((await stage.direct.get(leases, `${stage.namespace}/leader`, soon()))?.metadata.annotations).toBeUndefined();
  stopOther.abort(new Error('done'));
  await other;
});
