import { ApiError } from './api-error.ts';
import type { Kube } from './client.ts';
import type { KubeObject } from './object.ts';
import { resource } from './resource.ts';

/** coordination.k8s.io/v1, as far as it is used. */
export interface Lease extends KubeObject {
  readonly spec?: {
    /** '' or absent: nobody. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds. */
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const leases = resource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
});

export type LeaseState = 'ours' | 'theirs';

export interface LeaseHolderOptions {
  readonly kube: Pick<Kube, 'get' | 'create' | 'update'>;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseMs: number;
  /** What the holder says of itself on the Lease; gone with its release. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Who has the Lease. */
export interface Holder {
  /** '': nobody. */
  readonly holder: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Takes, renews and releases one Lease. Clocks of machines are never compared: what counts is how long we have seen it unchanged.
 * Every write carries the version that was read, so of two that try only one succeeds.
 */
export class LeaseHolder {
  readonly #options: LeaseHolderOptions;
  #known: Lease | undefined;
  #knownSince = 0;

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
  }

  /** Renews what is ours, takes what is nobody's. `now` in ms, of a steady clock. @throws ApiError */
  async acquire(now: number, signal: AbortSignal): Promise<{ readonly state: LeaseState } & Holder> {
    const { identity, annotations = {} } = this.#options;
    if (this.#known?.spec?.holderIdentity !== identity) await this.#look(now, signal); // ours needs no look: one request a renewal
    try {
      if (!this.#isFree(now)) return { state: 'theirs', ...this.#holder() };
      await this.#write(identity, now, signal);
      return { state: 'ours', holder: identity, annotations };
    } catch (error) {
      const isGone = this.#known !== undefined; // a create that is not found lacks its namespace
      if (!(error instanceof ApiError) || !(error.status === 409 || (error.status === 404 && isGone))) throw error;
      await this.#look(now, signal); // somebody wrote in between
      const seen = this.#holder();
      if (seen.holder === identity) throw error; // our own write, whose answer was lost: when it was made is not known, so it counts for nothing
      return { state: 'theirs', ...seen };
    }
  }

  /** Lets go of it, so that the next one need not wait. */
  async release(signal: AbortSignal): Promise<void> {
    await this.#write('', this.#knownSince, signal);
  }

  async #look(now: number, signal: AbortSignal): Promise<void> {
    const { kube, namespace, name } = this.#options;
    const lease = await kube.get(leases, `${namespace}/${name}`, signal);
    if (lease?.metadata.resourceVersion !== this.#known?.metadata.resourceVersion) this.#knownSince = now;
    this.#known = lease;
  }

  #holder(): Holder {
    return { holder: this.#known?.spec?.holderIdentity ?? '', annotations: this.#known?.metadata.annotations ?? {} };
  }

  #isFree(now: number): boolean {
    const { holderIdentity = '', leaseDurationSeconds = 0 } = this.#known?.spec ?? {};
    return (
      holderIdentity === '' ||
      holderIdentity === this.#options.identity ||
      now >= this.#knownSince + leaseDurationSeconds * 1000
    );
  }

  async #write(holder: string, now: number, signal: AbortSignal): Promise<void> {
    const { kube, namespace, name, identity, leaseMs, annotations } = this.#options;
    const before = this.#known?.spec;
    const time = `${new Date().toISOString().slice(0, -1)}000Z`;
    const isSame = before?.holderIdentity === holder;
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds: holder === '' ? 1 : Math.ceil(leaseMs / 1000),
      acquireTime: isSame ? (before.acquireTime ?? time) : time,
      renewTime: time,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isSame || holder === '' || before === undefined ? 0 : 1),
    };
    const { resourceVersion } = this.#known?.metadata ?? {};
    const metadata = { namespace, name, resourceVersion, ...(holder === '' ? {} : { annotations }) };
    const write = this.#known === undefined ? kube.create : kube.update;
    const written = await write(leases, { metadata, spec }, { manager: identity.slice(0, 128) }, signal);
    this.#known = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: written, spec };
    this.#knownSince = now;
  }
}
