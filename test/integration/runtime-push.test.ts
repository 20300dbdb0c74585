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

test('what Pods have answered is remembered, though others hang until the time is up', async () => {
  await using hanging = await listening(() => undefined);
  const answer = JSON.stringify({ result: { hashBefore: 0, hash: 0xaa } });
  await using good = await listening(
    (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
  );
  await using stack = new AsyncDisposableStack();
  const dispatcher = stack.adopt(createScraper(), (opened) => opened.destroy());
  const data = { key: Buffer.from('a secret of sixteen or more') };
  const client = createAdminClient({ dispatcher, guard, readSecret: () => Promise.resolve(data) });
  const acknowledged = createAcknowledged();
  const pods = [podAt('workflow-0', hanging.port), podAt('workflow-1', good.port)];
  const change = { kind: 'Push', cause: 'Declared', differences: [], admin, pods, text: '{}', hash: 'aa' } as const;

  const time = new AbortController();
  const pushed = push(change, { client, acknowledged }, time.signal);
  const known = () => pods.map((pod) => acknowledged.within({ pod, isRead: true }).running);
  await eventually(() => expect(known()).toEqual([undefined, 0xaa]));
  time.abort(new Error('no time is left'));
  await expect(pushed).rejects.toThrow('no time is left');
  expect(known()).toEqual([undefined, 0xaa]);
});
