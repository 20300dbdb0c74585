import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import type { AskerAnswer, AskerInput } from './asker.ts';
import { converge, type Measured } from './lines.ts';
import type { Contestant } from './operators.ts';
import { percentile } from './statistics.ts';
import type { World } from './world.ts';

/** What serves the metrics API. */
export interface Serving extends Contestant {
  readonly origin: string;
  /** PEM. */
  readonly ca: string;
}

/** The same program with its metrics API on, and a certificate for it. */
export async function serving(contestant: Contestant, folder: string): Promise<Serving> {
  const certDir = join(folder, 'serving');
  await mkdir(certDir);
  const authority = createAuthority('metrics-api-ca');
  const { certificate, key } = issueCertificate(
    { commonName: 'genops', names: ['localhost', 'genops.genops-system.svc'] },
    authority,
  );
  await writeFile(join(certDir, 'tls.crt'), certificate);
  await writeFile(join(certDir, 'tls.key'), key, { mode: 0o600 });
  const port = await freePort();
  const flags = [
    '--metrics-api-service=genops-system/genops',
    `--api-bind-address=127.0.0.1:${port}`,
    `--tls-cert-dir=${certDir}`,
  ];
  const origin = `https://localhost:${port}`;
  return { ...contestant, args: [...contestant.args, ...flags], origin, ca: authority.certificate };
}

const perSecond = 100;

/** custom.metrics.k8s.io is asked 100 times a second while 1000 services converge, as the API server would for the HPA controller: past it, since its own time is no operator's. */
export async function serve({ origin, ca }: Serving, world: World, signal: AbortSignal): Promise<Measured> {
  const read = (name: string): Promise<string> =>
    readFile(join(dirname(world.plane.kubeconfigPath), `front-proxy-client.${name}`), 'utf8');
  const asked: AskerInput = {
    origin,
    paths: world.places.map(
      ({ namespace, name }) =>
        `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/pods/*/requests_per_second?labelSelector=app%3D${name}`,
    ),
    perSecond,
    tls: { ca, cert: await read('crt'), key: await read('key') },
  };
  await waitUntil('the metrics API answers', () => isAnswering(asked, signal), { timeoutMs: 60_000, signal });
  await using asker = startAsker(asked);
  const { figures, requests } = await converge(world, signal);
  const { tookMs, refused } = await asker.stop(signal);
  const served = { p50Ms: percentile(tookMs, 0.5), p99Ms: percentile(tookMs, 0.99), asked: tookMs.length, refused };
  return { line: 'serve', figures: { ...figures, ...served }, requests };
}

/** It learns who may ask once it leads. */
async function isAnswering(asked: AskerInput, signal: AbortSignal): Promise<boolean> {
  await using asker = startAsker({ ...asked, perSecond: 1 });
  return (await asker.stop(signal)).refused === 0;
}

function startAsker(asked: AskerInput): AsyncDisposable & { stop(signal: AbortSignal): Promise<AskerAnswer> } {
  const child = fork(join(import.meta.dirname, 'asker.ts'));
  const ended = once(child, 'exit');
  child.send(asked);
  return {
    async stop(signal) {
      const answer = once(child, 'message', { signal });
      child.send('stop');
      const [said] = (await Promise.race([
        answer,
        ended.then(() => Promise.reject(new Error('the asker has failed'))),
      ])) as [AskerAnswer];
      return said;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
