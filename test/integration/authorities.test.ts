import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { operatorImage } from '../../hack/image/operator.ts';
import { startPrometheus, type PrometheusServer } from '../../hack/servers/prometheus.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const authority = createAuthority('a company of its own');
let folder: string;
let server: PrometheusServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-authorities-'));
  await writeFile(join(folder, 'ca.crt'), authority.certificate);
  const { certificate: cert, key } = issueCertificate({ commonName: 'prometheus', names: ['localhost'] }, authority);
  server = await startPrometheus({
    config: 'global: {scrape_interval: 1s}\n',
    web: {
      config: 'tls_server_config: {cert_file: server.crt, key_file: server.key}\n',
      files: { 'server.crt': cert, 'server.key': key },
      tls: { ca: authority.certificate, cert, key },
    },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A process of its own: Node reads the variable once, when it starts. */
async function say(args: readonly string[], authorities: string | undefined): Promise<string> {
  const env = { ...process.env, ...(authorities === undefined ? {} : { NODE_EXTRA_CA_CERTS: authorities }) };
  const { stdout, stderr } = await run(process.execPath, args, { cwd: root, env, timeout: 60_000 }).catch(
    (error: { readonly stdout: string; readonly stderr: string }) => error,
  );
  return stdout + stderr;
}

/** The operator's own question to the Prometheus of --prometheus-url, for a component that names no Secret. */
const question = (url: string): readonly string[] => [
  '--input-type=module',
  '--eval',
  `import { createPrometheusServers } from './operator/metrics/sources/prometheus-server.ts';
   await using servers = createPrometheusServers({ url: '${url}', guard: () => true, readSecret: async () => undefined });
   const query = 'label_replace(vector(7), "pod", "a", "", "")';
   const { failure, series } = await servers.query({}, query, { maxAgeMs: 0, timeoutMs: 30_000 });
   console.log(failure === undefined ? JSON.stringify([...series]) : failure.message + '; ' + failure.next);`,
];

test('a Prometheus whose certificate a company’s own authority has signed is believed with NODE_EXTRA_CA_CERTS, which extraAuthorities of the chart sets, and else refused', async () => {
  const file = join(folder, 'ca.crt');
  const next = 'have the operator believe its authority (NODE_EXTRA_CA_CERTS; extraAuthorities of the chart), or name';
  expect(await say(question(server.url), undefined)).toContain(`: UNABLE_TO_VERIFY_LEAF_SIGNATURE; ${next} a Secret`);
  expect(await say(question(server.url), file)).toMatch(/^\[\["a",.*7/);

  const simulate = ['.cache/test/genops.mjs', 'simulate', '--prometheus', server.url, '--last', '1m'];
  const asked = [...simulate, '--query', 'vector(2)', '--step', '15s', '-o', 'json'];
  expect(await say(asked, undefined)).toContain('unable to verify');
  expect(await say(asked, file)).toContain('"requests": 120');
});

test('the image has the authorities of the Node in it, whatever those of the machine that builds it are', async () => {
  const { files } = await operatorImage(AbortSignal.timeout(60_000));
  const bundle = files.find(({ path }) => path === '/etc/ssl/certs/ca-certificates.crt');
  const text = bundle !== undefined && 'content' in bundle ? Buffer.from(bundle.content).toString() : '';
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  expect(certificates.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
    rootCertificates.map((pem) => new X509Certificate(pem).fingerprint256),
  );
});
