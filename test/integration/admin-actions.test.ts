import { describe, expect, test } from '@jest/globals';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text as read } from 'node:stream/consumers';
import { startRedis } from '../../hack/servers/redis.ts';
import type { AdminAction } from '../../operator/api/admin-actions.ts';
import { adminPath } from '../../operator/api/admin-request.ts';
import { createAdminClient, type AdminAsk } from '../../operator/levers/runtime/admin.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import { createScraper } from '../../operator/metrics/sources/pods.ts';
import { hashNumber, settingsHash } from '../../operator/api/runtime-hash.ts';
import { defaultSettings } from '../../operator/runtime/runtime.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { eventually } from '../world/eventually.ts';
import { podView } from '../world/pod-view.ts';
import { guard, listening } from './source-world.ts';

const key = 'a secret of sixteen or more';
const admin = { port: 'admin', scheme: 'HTTP', secretRef: { name: 'generation-admin', key: 'key' } } as const;

/** The operator's side, with this Secret. */
function openClient(secret: Readonly<Record<string, string>> | undefined) {
  const dispatcher = createScraper();
  const data = secret && Object.fromEntries(Object.entries(secret).map(([name, value]) => [name, Buffer.from(value)]));
  const client = createAdminClient({ dispatcher, guard, readSecret: () => Promise.resolve(data) });
  const until = AbortSignal.timeout(20_000);
  return {
    ask: (pods: readonly PodView[], action: AdminAction, pace?: AdminAsk<AdminAction>['pace']) =>
      client.ask({ admin, pods, action, ...(pace !== undefined && { pace }) }, until),
    apply: (pods: readonly PodView[], body: string) =>
      client.ask({ admin, pods, action: 'apply-settings', body }, until),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

/** A Pod whose admin port is on loopback. */
const podAt = (name: string, port: number): PodView =>
  podView(name, { ip: '127.0.0.1', ports: [{ name: 'admin', containerPort: port }] });
const portOf = ({ metricsUrl }: ServiceProcess): number => Number(new URL(metricsUrl).port);

test('each Pod does what it is asked for and says what came of it; what was meant for one is refused by another, and the second time', async () => {
  await using redis = await startRedis();
  const env = { ADMIN_KEY: key, REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port), ITEM_LOAD_MS: '5' };
  await using first = await startService({ ...env, POD_NAME: 'workflow-0' });
  await using second = await startService({ ...env, POD_NAME: 'workflow-1' });
  await using client = openClient({ key });
  const pods = [podAt('workflow-0', portOf(first)), podAt('workflow-1', portOf(second))];

  const settings = {
    ...defaultSettings,
    cache: { ...defaultSettings.cache, l1: { entries: 1_000, ttlMs: 50 } },
  };
  const hash = hashNumber(settingsHash(settings));
  for (const hashBefore of [0, hash])
    expect(await client.apply(pods, JSON.stringify(settings))).toEqual(
      pods.map((pod) => ({ pod, kind: 'done', result: { hashBefore, hash } })),
    );
  expect(await (await fetch(second.metricsUrl)).text()).toContain(`generation_runtime_config_hash ${hash}\n`);
  expect(await client.apply(pods.slice(0, 1), '{"version":2}')).toMatchObject([
    {
      kind: 'failed',
      failure: { reason: 'BadStatus', message: expect.stringContaining('500: saw settings of which') },
    },
  ]);

  for (const id of ['1', '2', '2']) await fetch(`${first.url}/api/item/${id}`);
  expect(await client.ask(pods, 'warm-cache')).toMatchObject([{ result: { keys: 2 } }, { result: { keys: 0 } }]);
  await eventually(async () => {
    const [reply] = await client.ask(pods, 'clear-expired-cache'); // they are kept for 50 ms
    expect(reply).toMatchObject({ kind: 'done', result: { entries: expect.any(Number) } });
    expect(reply).not.toMatchObject({ result: { entries: 0 } });
  });
  const collected = await client.ask(pods, 'collect-garbage');
  for (const reply of collected) {
    const { beforeBytes, afterBytes, freedBytes } = (reply as { result: Record<string, number> }).result;
    expect(beforeBytes).toBeGreaterThan(20_000_000);
    expect(freedBytes).toBe(Number(beforeBytes) - Number(afterBytes));
  }
  expect(await first.log()).toContain('garbage collected');

  let sent: { readonly headers: IncomingHttpHeaders; readonly body: string } | undefined;
  const note = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    sent = { headers: request.headers, body: await read(request) };
    response.end('{}');
  };
  await using listener = await listening((request, response) => void note(request, response));
  await client.apply([podAt('workflow-0', listener.port)], JSON.stringify(settings));
  const again = async ({ metricsUrl }: ServiceProcess) => {
    const headers = Object.entries(sent?.headers ?? {}).filter(([name]) => name.startsWith('x-genops-'));
    const url = new URL(`${adminPath}apply-settings`, metricsUrl);
    const response = await fetch(url, {
      method: 'POST',
      headers: headers as [string, string][],
      body: sent?.body ?? '',
    });
    return { status: response.status, ...((await response.json()) as object) };
  };
  expect(await again(second)).toEqual({ status: 401, error: 'meant for Pod workflow-0; this is workflow-1' });
  expect(await again(first)).toMatchObject({ status: 200, result: { hash } });
  expect(await again(first)).toEqual({ status: 401, error: 'sent before' });
});

test('only so many Pods stop at once, and who is not asked in time is told of', async () => {
  const stopped = { now: 0, most: 0 };
  const collected = JSON.stringify({ result: { beforeBytes: 2, afterBytes: 1, freedBytes: 1, heapFreedBytes: 0 } });
  const collect: RequestListener = (_, response) => {
    stopped.now += 1;
    stopped.most = Math.max(stopped.most, stopped.now);
    setTimeout(() => {
      stopped.now -= 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(collected);
    }, 100);
  };
  await using fleet = new AsyncDisposableStack();
  const servers = await Promise.all(Array.from({ length: 8 }, () => listening(collect)));
  const pods = servers.map((server, n) => podAt(`workflow-${n}`, fleet.use(server).port));
  await using client = openClient({ key });
  const kinds = async (atOnce: number, withinMs: number) =>
    (await client.ask(pods, 'collect-garbage', { atOnce, withinMs })).map(({ kind }) => kind);

  expect(await kinds(2, 20_000)).toEqual(pods.map(() => 'done'));
  expect(stopped.most).toBe(2);
  expect(await kinds(1, 50)).toEqual(pods.map((_, n) => (n === 0 ? 'done' : 'notAsked')));
});

describe('a Pod that does not do it is told of in words, and holds up no other', () => {
  const answered =
    (status: number, body: string, type = 'application/json'): RequestListener =>
    (_, response) =>
      void response.writeHead(status, { 'content-type': type }).end(body);
  test.each<{ name: string; answers: RequestListener; failure: object }>([
    {
      name: 'one that knows another secret',
      answers: answered(401, '{"error":"not signed with the key of this workload"}'),
      failure: {
        reason: 'BadStatus',
        message: expect.stringMatching(/answered 401: not signed with the key/),
        next: expect.stringContaining('same secret'),
      },
    },
    {
      name: 'one that answers something else',
      answers: answered(200, '{"result":{"freedBytes":"much"}}'),
      failure: { reason: 'NotUnderstood', message: expect.stringContaining('the figures of collect-garbage') },
    },
    {
      name: 'a page of another server',
      answers: answered(200, '<html>', 'text/html'),
      failure: { reason: 'NotText' },
    },
    {
      name: 'one that leads elsewhere',
      answers: (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      failure: { reason: 'Redirected' },
    },
    { name: 'one that hangs', answers: () => undefined, failure: { reason: 'TimedOut' } },
  ])('$name', async ({ answers, failure }) => {
    await using bad = await listening(answers);
    const figures = { beforeBytes: 2, afterBytes: 1, freedBytes: 1, heapFreedBytes: 0 };
    await using good = await listening(answered(200, JSON.stringify({ result: figures })));
    await using client = openClient({ key });
    const pods = [podAt('workflow-0', bad.port), podAt('workflow-1', good.port)];
    expect(await client.ask(pods, 'collect-garbage')).toMatchObject([
      { kind: 'failed', failure },
      { kind: 'done', result: figures },
    ]);
  });

  test('one without the port, and one whose address no Pod can have', async () => {
    await using client = openClient({ key });
    const pods = [podView('workflow-0'), podView('workflow-1', { ip: '169.254.169.254', ports: podAt('', 80).ports })];
    expect(await client.ask(pods, 'collect-garbage')).toMatchObject([
      { failure: { reason: 'NoPort' } },
      { failure: { reason: 'AddressRefused' } },
    ]);
  });
});

test.each([
  { name: 'no Secret', secret: undefined, says: 'saw no Secret ai/generation-admin' },
  { name: 'no such key', secret: { other: key }, says: 'saw no key key in Secret ai/generation-admin' },
  { name: 'a secret that can be guessed', secret: { key: 'short' }, says: 'saw 5 characters under key in Secret ai/' },
])('with $name nobody is asked', async ({ secret, says }) => {
  let asked = 0;
  await using pod = await listening(() => void (asked += 1));
  await using client = openClient(secret);
  await expect(client.ask([podAt('workflow-0', pod.port)], 'collect-garbage')).rejects.toThrow(says);
  expect(asked).toBe(0);
});
