import type { Kube } from '../../../operator/kube/client.ts';
import type { Collection } from '../../../operator/kube/collection.ts';
import { keyOf, type KubeObject, type ObjectMeta } from '../../../operator/kube/object.ts';
import { apiVersionOf, collectionPath, type Resource } from '../../../operator/kube/resource.ts';
import { openCaches, type Caches } from '../../../operator/reconcilers/caches.ts';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a test says of an object; names and versions are filled in. */
export interface Fed {
  readonly metadata: { readonly name: string } & Partial<ObjectMeta>;
  readonly [field: string]: unknown;
}

/** The operator's own caches, fed line by line with what an API server would send. Nothing of it takes time: it works with fake timers. */
export interface FedCaches extends AsyncDisposable {
  readonly caches: Caches;
  /** Resolves when the caches have it. The uid is the object's name unless one is given; a namespaced object stands in `ai`. */
  readonly put: (of: Resource, object: Fed) => Promise<void>;
  readonly remove: (of: Resource, name: string) => Promise<void>;
}

export async function feedCaches(kube: Partial<Kube> = {}): Promise<FedCaches> {
  const lines = new Map<string, Lines>();
  const linesOf = (path: string): Lines => {
    const found = lines.get(path) ?? new Lines();
    lines.set(path, found);
    return found;
  };
  const stream: Kube['stream'] = ({ path }, signal) => Promise.resolve(linesOf(path).read(signal));
  const caches = openCaches({
    kube: { ...kube, stream } as Kube,
    namespaces: undefined,
    watchApiServices: true,
    logger: silent,
  });
  const objects = new Map<string, KubeObject>();
  let version = 1;
  const feed = async (type: string, of: Resource, object: KubeObject): Promise<void> => {
    linesOf(collectionPath(of)).write({ type, object });
    await shown(caches, of, object);
  };
  await Promise.all(caches.all.map((collection) => collection.synced(new AbortController().signal)));
  return {
    caches,
    put: async (of, { metadata, ...rest }) => {
      const where = of.namespaced ? { namespace: 'ai' } : {};
      const defaults = { ...where, uid: metadata.name, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
      const object: KubeObject = {
        apiVersion: apiVersionOf(of),
        kind: of.kind,
        ...rest,
        metadata: { ...defaults, ...metadata, resourceVersion: String((version += 1)) },
      };
      const id = `${of.plural} ${keyOf(object)}`;
      const isKnown = objects.has(id);
      objects.set(id, object);
      await feed(isKnown ? 'MODIFIED' : 'ADDED', of, object);
    },
    remove: async (of, name) => {
      const id = `${of.plural} ${of.namespaced ? `ai/${name}` : name}`;
      const object = objects.get(id);
      if (object === undefined) throw new Error(`${id} was never put`);
      objects.delete(id);
      const resourceVersion = String((version += 1));
      await feed('DELETED', of, { ...object, metadata: { ...object.metadata, resourceVersion } });
    },
    [Symbol.asyncDispose]: () => caches[Symbol.asyncDispose](),
  };
}

async function shown({ all }: Caches, of: Resource, { metadata }: KubeObject): Promise<void> {
  const collection = all.find((one: Collection<unknown>) => one.name === of.plural);
  for (let turn = 0; collection?.hasSeen(keyOf({ metadata }), metadata.resourceVersion) !== true; turn += 1) {
    if (turn > 1000) throw new Error(`the cache of ${of.plural} does not show ${metadata.name}`);
    await Promise.resolve();
  }
}

/** The body of one watch: an empty list, then what is written. */
class Lines {
  #waiting: unknown[] = [
    {
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: '1', annotations: { 'k8s.io/initial-events-end': 'true' } } },
    },
  ];
  #written = Promise.withResolvers<void>();

  write(event: unknown): void {
    this.#waiting.push(event);
    this.#written.resolve();
  }

  async *read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true });
    for (;;) {
      const events = this.#waiting;
      this.#waiting = [];
      for (const event of events) yield Buffer.from(`${JSON.stringify(event)}\n`);
      if (this.#waiting.length > 0) continue;
      this.#written = Promise.withResolvers();
      await Promise.race([this.#written.promise, aborted.promise]);
    }
  }
}
