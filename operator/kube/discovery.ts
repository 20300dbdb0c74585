import { ApiError } from './api-error.ts';
import type { Discovered } from './client.ts';
import type { Resource } from './resource.ts';

type Read = (path: string, signal: AbortSignal) => Promise<unknown>;

/** As in a `v1` APIResourceList, of which the names of subresources are `deployments/scale`. */
interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** Which resource serves a kind. What is known is remembered; what is not is asked again: a CRD may have come. */
export class Discovery {
  readonly #read: Read;
  readonly #known = new Map<string, Discovered>();

  constructor(read: Read) {
    this.#read = read;
  }

  async find(apiVersion: string, kind: string, signal: AbortSignal): Promise<Discovered | undefined> {
    const known = this.#known.get(`${apiVersion} ${kind}`);
    if (known !== undefined) return known;
    for (const found of resourcesOf(apiVersion, await this.#list(apiVersion, signal))) {
      this.#known.set(`${apiVersion} ${found.resource.kind}`, found);
    }
    return this.#known.get(`${apiVersion} ${kind}`);
  }

  async #list(apiVersion: string, signal: AbortSignal): Promise<ResourceList> {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    try {
      return (await this.#read(path, signal)) as ResourceList;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return { resources: [] }; // no such group or version
      throw error;
    }
  }
}

function resourcesOf(apiVersion: string, { resources }: ResourceList): readonly Discovered[] {
  const [version = '', group = ''] = apiVersion.split('/').toReversed();
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced }) => {
      const resource: Resource = { group, version, plural: name, kind, namespaced };
      const prefix = `${name}/`;
      return {
        resource,
        subresources: resources
          .filter((other) => other.name.startsWith(prefix))
          .map((other) => other.name.slice(prefix.length)),
      };
    });
}
