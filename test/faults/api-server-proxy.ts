import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { loadConfig } from '../../operator/kube/config.ts';
import { withholdingProxy, type WithholdingProxy } from '../integration/withholding-proxy.ts';
import { kubeconfigPath } from '../world/world.ts';

/** Between an operator and the API server of `of`, as its user: the operator gets the proxy's kubeconfig. */
export async function apiServerProxy(
  of = kubeconfigPath(),
): Promise<WithholdingProxy & { readonly kubeconfig: string }> {
  await using stack = new AsyncDisposableStack();
  const config = await loadConfig({ kubeconfig: of });
  const [{ hostname, port }, { tls }] = [new URL(config.server), await config.identity()];
  const proxy = stack.use(
    await withholdingProxy(() => connectSecurely({ ...tls, host: hostname, port: Number(port || 443) })),
  );
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'genops-proxied-')));
  const kubeconfig = join(folder.path, 'kubeconfig');
  const server = `http://127.0.0.1:${proxy.port}`;
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'proxied',
      clusters: [{ name: 'proxied', cluster: { server, 'insecure-skip-tls-verify': true } }],
      contexts: [{ name: 'proxied', context: { cluster: 'proxied', user: 'proxied' } }],
      users: [{ name: 'proxied', user: {} }],
    }),
  );
  const owned = stack.move();
  return { ...proxy, kubeconfig, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
