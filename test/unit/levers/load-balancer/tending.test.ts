import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../../../../operator/levers/load-balancer/certificate.ts';
import type { NginxProcess } from '../../../../operator/levers/load-balancer/nginx-process.ts';
import { Tending } from '../../../../operator/levers/load-balancer/tending.ts';
import type { ServersByUpstream } from '../../../../operator/levers/load-balancer/upstreams.ts';
import type { Watched } from '../../../../operator/levers/load-balancer/watched.ts';
import { writtenFor } from './settings.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-tending-'));
});
afterAll(() => rm(folder, { recursive: true }));

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const jitterMs = 20; // some tens of looks

/** The agent of an nginx that takes whatever it is given, or nothing. */
function startTending(declared: string, { refuses = false } = {}) {
  let [text, address, loads, generations] = [declared, '10.0.0.1', 0, 0];
  let certificate: Certificate = { folder: undefined };
  let announced: ServersByUpstream = {};
  const nginx: NginxProcess = {
    async load() {
      if (refuses) return { result: 'rejected', message: 'no' };
      loads += 1;
      return { result: 'loaded' };
    },
    draining: async () => ({ workers: generations, generations }),
    ended: Promise.withResolvers<string>().promise,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const slices = () => [{ ports: [{ name: 'http', port: 8080 }], endpoints: [{ address, pod: undefined }] }];
  const watched = { settings: { get: () => ({ text }) }, endpoints: { by: slices } };
  const tending = new Tending({
    configMap: 'ai/generation-nginx',
    place: { folder, modules: [], dnsPort: 1, logPort: 2 },
    program: { binary: 'nginx', version: '1.31.3', capabilities: new Set(['resolveUpstreams', 'ssl']), modules: [] },
    certificates: {
      current: async () => certificate,
      keepOnly: async () => undefined,
    },
    nginx,
    dns: { announce: (servers) => void (announced = servers) },
    watched: watched as unknown as Watched,
    log: { lost: async () => 0 },
    addresses: new Set(),
    isListed: () => true,
    jitterMs,
    logger: silent,
  });
  const { signal } = new AbortController();
  return {
    announced: () => announced,
    loads: () => loads,
    tend: () => tending.tend(signal),
    drain: (others: number) => void (generations = others),
    declare: (other: string) => void (text = other),
    mount: (found: Certificate) => void (certificate = found),
    refusal: () => tending.refusal,
    report: () => tending.report(),
    replacePod: (other: string) => void (address = other),
  };
}

test('an upstream that goes away keeps its Pods until nginx has the settings without it', async () => {
  const { text } = writtenFor({ weights: { mode: 'Equal', minReloadInterval: '0s' } });
  const agent = startTending(text);
  await agent.tend();
  agent.declare(text.replaceAll('"workflow"', '"renamed"'));
  agent.drain(2); // it waits for one of them to end
  await agent.tend();
  const pods = [{ address: '10.0.0.1', port: 8080 }];
  expect({ loads: agent.loads(), announced: agent.announced() }).toEqual({
    loads: 1,
    announced: { workflow: pods, renamed: pods },
  });
  agent.drain(1);
  await agent.tend();
  await agent.tend();
  expect({ loads: agent.loads(), announced: agent.announced() }).toEqual({ loads: 2, announced: { renamed: pods } });
});

test('of what is rejected nothing hides another thing', async () => {
  const { text, settings } = writtenFor({ weights: { mode: 'Equal' } }, { tlsSecretRef: { name: 'tls' } });
  const agent = startTending(text);
  agent.mount({ folder });
  await agent.tend();
  agent.mount({ folder, refused: 'key values mismatch' });
  await agent.tend();
  const { hash } = settings;
  expect((await agent.report()).rejected).toEqual({ hash, message: 'key values mismatch' });
  agent.declare('garbage');
  await agent.tend();
  const { rejected } = await agent.report();
  expect(rejected).toEqual({
    hash,
    message: expect.stringMatching(/^saw no JSON; wanted settings as .*; key values mismatch$/),
  });
});

const inTheClear = writtenFor({ weights: { mode: 'Equal', minReloadInterval: '0s' } });
const secured = writtenFor({ weights: { mode: 'Equal', minReloadInterval: '0s' } }, { tlsSecretRef: { name: 'tls' } });

test.each<{ name: string; found: Certificate; says: string; report: object }>([
  {
    name: 'none is mounted',
    found: { folder: undefined, missing: 'no tls.crt and tls.key in /tls' },
    says: 'no tls.crt and tls.key in /tls',
    report: { isWithoutPair: true },
  },
  {
    name: 'nginx refuses it',
    found: { folder: undefined, refused: 'key values mismatch' },
    says: 'key values mismatch',
    report: { rejected: { hash: secured.settings.hash, message: 'key values mismatch' } },
  },
])('nothing that is to have a certificate is served without one: $name', async ({ found, says, report }) => {
  const agent = startTending(secured.text);
  agent.mount(found);
  await agent.tend();
  expect({ loads: agent.loads(), refusal: agent.refusal() }).toEqual({ loads: 0, refusal: says });
  expect(await agent.report()).toMatchObject(report);
  agent.mount({ folder });
  await agent.tend();
  const { loaded, isWithoutPair, rejected } = await agent.report();
  expect({ loaded, isWithoutPair, rejected }).toMatchObject({ loaded: { https: true } });
  expect([isWithoutPair, rejected, agent.refusal()]).toEqual([undefined, undefined, undefined]);
});

test('while the certificate is missing what is served goes on, and follows the Pods', async () => {
  const agent = startTending(inTheClear.text);
  await agent.tend();
  agent.declare(secured.text);
  agent.mount({ folder: undefined, missing: 'none' });
  agent.replacePod('10.0.0.2');
  await agent.tend();
  expect(agent.announced()).toMatchObject({ workflow: [{ address: '10.0.0.2' }] });
  expect((await agent.report()).loaded).toMatchObject({ hash: inTheClear.settings.hash, https: false });
  agent.mount({ folder, missing: 'none' }); // it had one before
  for (let look = 0; agent.loads() < 2 && look < 2_000; look += 1) await agent.tend(); // until the jitter is over
  expect(await agent.report()).toMatchObject({
    loaded: { hash: secured.settings.hash, https: true },
    isWithoutPair: true,
  });
});

test('Pods that change faster than the jitter do not put a reload off for ever', async () => {
  const weights = { mode: 'Equal', minReloadInterval: '0s', delivery: 'Reload' } as const;
  const agent = startTending(writtenFor({ weights }).text);
  await agent.tend();
  for (let pod = 0; agent.loads() < 2 && pod < 2_000; pod += 1) {
    agent.replacePod(`10.1.${pod >> 8}.${pod & 255}`);
    await agent.tend();
  }
  expect(agent.loads()).toBe(2);
});

test('settings that nginx refuses before it has any are tried again in time, however much else happens meanwhile', async () => {
  const agent = startTending(writtenFor({ weights: { mode: 'Equal' } }).text, { refuses: true });
  const looks = [await agent.tend(), await agent.tend(), await agent.tend()];
  for (const next of looks) expect('delayMs' in next ? next.delayMs : undefined).toBeLessThanOrEqual(2_000);
});
