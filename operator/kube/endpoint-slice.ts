import type { KubeObject } from './object.ts';
import { resource } from './resource.ts';

/** Some of the addresses behind a Service. */
export interface EndpointSlice extends KubeObject {
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
        readonly conditions?: { readonly ready?: boolean };
      }[]
    | null;
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[] | null;
  readonly addressType: string;
}

export const endpointSlices = resource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
});

/** The label that names its Service. */
export const serviceLabel = 'kubernetes.io/service-name';
