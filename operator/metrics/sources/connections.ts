import type { Agent } from 'undici';
import type { Kube } from '../../kube/client.ts';
import type { AddressGuard } from '../address-guard.ts';
import { createScraper } from './pods.ts';
import { createPrometheusServers, type PrometheusServers, type PrometheusServersOptions } from './prometheus-server.ts';
import { createResourceUsage, type ResourceUsage } from './resource.ts';

/** What the sources of all components share. */
export interface Connections extends AsyncDisposable {
  readonly scraper: Agent;
  /** Of the addresses of Pods. */
  readonly guard: AddressGuard;
  readonly usage: ResourceUsage;
  readonly prometheus: PrometheusServers;
}

export interface ConnectionsOptions extends Omit<PrometheusServersOptions, 'guard' | 'maxResponseBytes'> {
  readonly kube: Pick<Kube, 'list'>;
  readonly guards: { readonly pods: AddressGuard; readonly hosts: AddressGuard };
}

export function openConnections({ kube, guards, readSecret, url }: ConnectionsOptions): Connections {
  const scraper = createScraper();
  const prometheus = createPrometheusServers({ readSecret, url, guard: guards.hosts });
  return {
    scraper,
    guard: guards.pods,
    usage: createResourceUsage(kube),
    prometheus,
    async [Symbol.asyncDispose]() {
      await Promise.all([scraper.destroy(), prometheus[Symbol.asyncDispose]()]);
    },
  };
}
