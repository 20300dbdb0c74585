import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import type { Cluster } from '../../hack/cluster/cluster.ts';
import { silent } from '../../hack/cluster/progress.ts';
import { verticalPodAutoscalerKinds, verticalPodAutoscalerPrograms } from '../../hack/cluster/tools.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { spawnServer, stopServer } from '../../hack/servers/process.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import type { KubeObject, Manifest } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { verticalPodAutoscalers } from '../../operator/levers/vertical/vpa.ts';
import { eventually } from './eventually.ts';
import { customResourceDefinitions, kubeconfigPath, type World } from './world.ts';

/** The kinds of the Vertical Pod Autoscaler, as its release has them. Its programs are not there. */
export async function installVpaKind({ kube, signal }: Pick<World, 'kube' | 'signal'>): Promise<void> {
  for (const manifest of await definitions(signal))
    await kube.apply(customResourceDefinitions, manifest, { manager: 'genops-test', force: true }, signal);
  await eventually(() => kube.list(verticalPodAutoscalers, { namespace: 'default' }, signal));
}

/** As if it had never been installed. */
export async function removeVpaKind(): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  await using kube = connectKube(await loadConfig({ kubeconfig: kubeconfigPath() }), { userAgent: 'genops-test' });
  for (const { metadata } of await definitions(signal)) await gone(kube, metadata.name, signal);
}

async function gone(kube: Kube, name: string, signal: AbortSignal): Promise<void> {
  await kube.delete(customResourceDefinitions, name, {}, signal);
  await eventually(async () => {
    if ((await kube.get(customResourceDefinitions, name, signal)) !== undefined) throw new Error(`${name} is there`);
  });
}

const definitions = async (signal: AbortSignal): Promise<readonly Manifest[]> =>
  parseAllDocuments(await verticalPodAutoscalerKinds(signal)).map((document) => document.toJS() as Manifest);

const webhooks = resource<KubeObject>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  namespaced: false,
});
const webhook = 'vpa-webhook-config';

/** Recommender, updater and admission controller for the VPAs of one namespace, on this machine; each looks every two seconds. */
export async function startVpa(
  { kube, namespace, signal }: World,
  { kubeconfigPath: kubeconfig, hostAddress }: Cluster,
): Promise<AsyncDisposable & { readonly log: () => Promise<string> }> {
  if (hostAddress === undefined) throw new Error('only a local cluster with a node reaches what runs on this machine');
  const binDir = await verticalPodAutoscalerPrograms(silent, signal);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'genops-vpa-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = createAuthority('genops-vpa');
  const { certificate, key } = issueCertificate({ commonName: 'vpa-webhook', names: [hostAddress] }, authority);
  const files = { 'ca.crt': authority.certificate, 'tls.crt': certificate, 'tls.key': key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  const port = await freePort();
  const common = [`--kubeconfig=${kubeconfig}`, `--vpa-object-namespace=${namespace}`, '--address=127.0.0.1:0'];
  const flags = {
    recommender: [
      '--recommender-interval=2s',
      '--pod-recommendation-min-memory-mb=10',
      '--confidence-interval-memory=1s',
    ],
    updater: ['--updater-interval=2s'],
    'admission-controller': [
      `--client-ca-file=${folder}/ca.crt`,
      `--tls-cert-file=${folder}/tls.crt`,
      `--tls-private-key=${folder}/tls.key`,
      '--register-by-url',
      `--webhook-address=https://${hostAddress}`,
      `--webhook-port=${port}`,
      `--port=${port}`,
    ],
  };
  const logOf = (name: string): string => join(folder, `${name}.log`);
  await kube.delete(webhooks, webhook, {}, signal); // of a run that was killed
  stack.defer(() => kube.delete(webhooks, webhook, {}, AbortSignal.timeout(60_000)));
  for (const [name, own] of Object.entries(flags)) {
    const args = [...common, ...own];
    const server = await spawnServer({ binary: join(binDir, name), args, cwd: folder, logFile: logOf(name) });
    stack.defer(() => stopServer(server));
  }
  await eventually(
    async () => {
      if ((await kube.get(webhooks, webhook, signal)) === undefined)
        throw new Error(`no webhook: ${await readFile(logOf('admission-controller'), 'utf8')}`);
    },
    { withinMs: 60_000 },
  );
  const owned = stack.move();
  const log = async (): Promise<string> =>
    (await Promise.all(Object.keys(flags).map((name) => readFile(logOf(name), 'utf8')))).join('\n');
  return { log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
