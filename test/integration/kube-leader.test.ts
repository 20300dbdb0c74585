import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { lead } from '../../operator/kube/leader.ts';
import { leases } from '../../operator/kube/lease.ts';
import { eventually } from '../world/eventually.ts';
import { openStage, soon, startPlane, watchConfigMaps, type Stage } from './kube-world.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startPlane();
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

/** A manager in a process of its own, and what it said. It is gone at the end, frozen or not. */
function startManager(stage: Stage, name: string) {
  const script = fileURLToPath(new URL('kube-leader-process.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, plane.kubeconfigPath, stage.namespace, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.on('data', (bytes) => (said += String(bytes)));
  const ended = once(child, 'exit');
  return {
    says: (text: string) =>
      eventually(() => expect(said).toContain(text), {
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
  await using first = startManager(stage, 'first');
  await first.says('leads');
  await using second = startManager(stage, 'second');
  await second.says('another one leads');
  first.signal('SIGTERM');
  await first.says('ended');
  await first.ended;
  const released = performance.now();
  await second.says('leads');
  expect(performance.now() - released).toBeLessThan(2500); // less than the 3 s of the Lease: it asks every 0.3 s, and starts in less than one
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
  expect(first.said().match(/leads /g)).toHaveLength(2);
});

test('a leader that cannot reach the API server stops acting before another may start, and leads again later', async () => {
  await using stage = await openStage(plane);
  const stop = new AbortController();
  const terms: { readonly began: number; ended?: number; isHeldAtEnd?: boolean }[] = [];
  const times = { leaseMs: 3000, renewDeadlineMs: 2000, renewMs: 500, retryMs: 300 };
  const options = {
    kube: stage.proxied,
    namespace: stage.namespace,
    name: 'leader',
    identity: 'only',
    logger: stage.log,
    ...times,
  };
  const leading = lead(
    options,
    async (leadership) => {
      const term: (typeof terms)[number] = { began: performance.now() };
      terms.push(term);
      await new Promise((resolve) => leadership.signal.addEventListener('abort', resolve));
      Object.assign(term, { ended: performance.now(), isHeldAtEnd: leadership.isHeld() });
    },
    stop.signal,
  );
  await eventually(() => expect(terms).toHaveLength(1));
  stage.proxy.swallow();
  const gone = performance.now();
  await eventually(() => expect(terms[0]).toMatchObject({ isHeldAtEnd: false }));
  expect((terms[0]?.ended ?? Infinity) - gone).toBeLessThan(times.renewDeadlineMs + 200); // a second before the Lease ends
  stage.proxy.accept();
  await eventually(() => expect(terms).toHaveLength(2));
  stop.abort(new Error('done'));
  await leading;
  const lease = await stage.direct.get(leases, `${stage.namespace}/leader`, soon());
  expect(lease?.spec?.holderIdentity).toBe(''); // let go of
});
