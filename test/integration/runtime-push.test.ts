import { expect, test } from '@jest/globals';
import { createAcknowledged } from '../../operator/levers/runtime/acknowledged.ts';
import { createAdminClient } from '../../operator/levers/runtime/admin.ts';
import { push } from '../../operator/levers/runtime/push.ts';
import { createScraper } from '../../operator/metrics/sources/pods.ts';
import { eventually } from '../world/eventually.ts';
import { podView } from '../world/pod-view.ts';
import { guard, listening } from './source-world.ts';

const admin = { port: 'admin', scheme: 'HTTP', secretRef: { name: 'generation-admin', key: 'key' } } as const;
const podAt = (name: string, port: number) =>
  podView(name, { ip: '127.0.0.1', ports: [{ name: 'admin', containerPort: port }] });

const pushed = { kind: 'Push', cause: 'Declared', differences: [], admin, text: '{}', hash: 'aa' } as const;

function clientIn(stack: AsyncDisposableStack) {
  const dispatcher = stack.adopt(createScraper(), (opened) => opened.destroy());
  const data = { key: Buffer.from('a secret of sixteen or more') };
  return createAdminClient({ dispatcher, guard, readSecret: () => Promise.resolve(data) });
}

test('what Pods have answered is remembered, though others hang until the time is up', async () => {
  await using hanging = await listening(() => undefined);
  const answer = JSON.stringify({ result: { hashBefore: 0, hash: 0xaa } });
  await using good = await listening(
    (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
  );
  await using stack = new AsyncDisposableStack();
  const client = clientIn(stack);
  const acknowledged = createAcknowledged();
  const pods = [podAt('workflow-0', hanging.port), podAt('workflow-1', good.port)];
  const change = {
    kind: 'Push',
    cause: 'Declared',
    differences: [],
    admin,
    pods,
    total: 3,
    text: '{}',
    hash: 'aa',
  } as const;

  const time = new AbortController();
  const telling = push(change, { client, acknowledged }, time.signal);
  const known = () => pods.map((pod) => acknowledged.within({ pod, isRead: true }).running);
  await eventually(() => expect(known()).toEqual([undefined, 0xaa]));
  time.abort(new Error('no time is left'));
  await expect(telling).rejects.toThrow('no time is left');
  expect(known()).toEqual([undefined, 0xaa]);
});

test('those that did not take the settings are counted among all that are Ready', async () => {
  await using refusing = await listening((_, response) => void response.writeHead(401).end());
  await using stack = new AsyncDisposableStack();
  const deps = { client: clientIn(stack), acknowledged: createAcknowledged() };
  const change = { ...pushed, pods: [podAt('workflow-0', refusing.port)], total: 2 };
  const outcome = await push(change, deps, AbortSignal.timeout(10_000));
  const message = expect.stringMatching(/^saw 1 of 2 Ready Pods that did not take the settings aa .*: workflow-0 \(/);
  expect(outcome).toMatchObject({ result: 'refused', condition: { reason: 'PodsBehind', message } });
});
