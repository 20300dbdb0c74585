/** A cache of all ConfigMaps of a namespace in a process of its own, which prints what it costs: JSON with bytes. Arguments: kubeconfig, namespace. Run with --expose-gc. */
import { connectKube } from '../../operator/kube/client.ts';
import { openCollection } from '../../operator/kube/collection.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { configMaps } from './kube-world.ts';

const [kubeconfig, namespace = ''] = process.argv.slice(2);
const used = () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss, external } = process.memoryUsage();
  return { heapUsed, rss, external };
};
const quiet = () => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

await using kube = connectKube(await loadConfig({ kubeconfig }), { userAgent: 'kube-test' });
await kube.raw({ path: '/version' }, AbortSignal.timeout(10_000)); // connected: what TLS needs is not the cache's
const before = used();
await using collection = openCollection({
  kube,
  resource: configMaps,
  namespaces: [namespace],
  // as many fields as are kept of a Pod
  project: ({ metadata, data = {} }) => ({
    uid: metadata.uid,
    name: metadata.name,
    labels: metadata.labels,
    deleting: metadata.deletionTimestamp !== undefined,
    app: data['app'],
    node: data['node'],
    address: data['address'],
    phase: data['phase'],
    requestMillicores: Number(data['cpu']),
    limitBytes: Number(data['memory']),
  }),
  indexes: { app: ({ app = '' }) => [app] },
  logger,
});
await collection.synced(AbortSignal.timeout(60_000));
const after = used();
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ size: collection.size, before, after, peak }));
