import type { KubeObject } from '../../kube/object.ts';
import { resource } from '../../kube/resource.ts';

/** gateway.networking.k8s.io/v1, as far as it is asked here. */
export interface HttpRoute extends KubeObject {
  readonly spec?: { readonly rules?: readonly { readonly backendRefs?: readonly BackendRef[] }[] };
}

export interface BackendRef {
  /** The core group where it is absent or empty. */
  readonly group?: string;
  /** Absent: Service. */
  readonly kind?: string;
  readonly name: string;
  /** Absent: the route's own. */
  readonly namespace?: string;
  /** 0–1 000 000; absent: 1. */
  readonly weight?: number;
}

export const httpRoutes = resource<HttpRoute>({
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  plural: 'httproutes',
  kind: 'HTTPRoute',
  namespaced: true,
});
