import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  let refused: string | undefined;
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
      current: async () => ({ folder: undefined, ...(refused === undefined ? {} : { refused }) }),
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
    refuseCertificate: (message: string) => void (refused = message),
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
  await agent.tend();
  agent.refuseCertificate('key values mismatch');
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
