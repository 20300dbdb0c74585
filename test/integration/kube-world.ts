import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { openCollection, type Collection, type CollectionOptions } from '../../operator/kube/collection.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { startProxy, type Proxy } from './kube-proxy.ts';

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export const configMaps = resource<ConfigMap>({
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
});
export const namespaces = resource({
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
});

/** For requests that a test makes: none of them takes long. */
export const soon = (): AbortSignal => AbortSignal.timeout(30_000);

export async function startPlane(...apiServerFlags: readonly string[]): Promise<ControlPlane> {
  return controlPlane({ apiServerFlags, progress: progressOn(process.stderr) }, AbortSignal.timeout(900_000));
}

/** Keeps what was logged, for assertions and for the message of a test that failed. */
function createLog() {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: string, fields: object = {}) =>
      lines.push(
        `${level} ${message} ${JSON.stringify(fields, (_, value: unknown) => (Error.isError(value) ? value.message : value))}`,
      );
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

export interface Stage extends AsyncDisposable {
  /** Straight to the API server. */
  readonly direct: Kube;
  /** The same through `proxy`. */
  readonly proxied: Kube;
  readonly proxy: Proxy;
  readonly namespace: string;
  readonly log: ReturnType<typeof createLog>;
  put(name: string, data: Readonly<Record<string, string>>): Promise<void>;
  remove(name: string): Promise<void>;
}

/** A namespace of its own, and two ways to the API server, of which one can be broken. */
export async function openStage(plane: ControlPlane): Promise<Stage> {
  await using open = new AsyncDisposableStack();
  const config = await loadConfig({ kubeconfig: plane.kubeconfigPath });
  const proxy = open.use(await startProxy(new URL(config.server)));
  const direct = open.use(connectKube(config, { userAgent: 'kube-test' }));
  const proxied = open.use(connectKube({ ...config, server: proxy.url }, { userAgent: 'kube-test', timeoutMs: 2000 }));
  const namespace = `kube-${Math.random().toString(36).slice(2, 10)}`;
  await direct.create(namespaces, { metadata: { name: namespace } }, {}, soon());
  const resources = open.move();
  return {
    direct,
    proxied,
    proxy,
    namespace,
    log: createLog(),
    put: async (name, data) => {
      await direct.apply(configMaps, { metadata: { namespace, name }, data }, { manager: 'test' }, soon());
    },
    remove: (name) => direct.delete(configMaps, `${namespace}/${name}`, {}, soon()),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export interface Watched {
  readonly collection: Collection<Readonly<Record<string, string>>>;
  /** `list configmaps`, `resume configmaps`, `failed configmaps silent`, … in their order. */
  readonly told: readonly string[];
  count(what: string): number;
}

/** The data of all ConfigMaps of the stage, through the proxy. */
export async function watchConfigMaps(
  stage: Stage,
  options: Partial<CollectionOptions<ConfigMap, Readonly<Record<string, string>>>> = {},
): Promise<Watched & AsyncDisposable> {
  const told: string[] = [];
  const collection = openCollection<ConfigMap, Readonly<Record<string, string>>>({
    kube: stage.proxied,
    resource: configMaps,
    namespaces: [stage.namespace],
    project: ({ data = {} }) => data,
    logger: stage.log,
    metrics: { started: (_, what) => told.push(what), failed: (_, why) => told.push(why) },
    ...options,
  });
  await collection.synced(soon());
  const count = (what: string) => told.filter((other) => other === what).length;
  return { collection, told, count, [Symbol.asyncDispose]: () => collection[Symbol.asyncDispose]() };
}
