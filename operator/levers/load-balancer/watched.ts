import { isDeepStrictEqual } from 'node:util';
import { weightLabel } from '../../api/annotations.ts';
import { loadBalancerSettingsFile } from '../../api/load-balancer-settings.ts';
import type { Kube } from '../../kube/client.ts';
import { openCollection, type Collection } from '../../kube/collection.ts';
import { endpointSlices, serviceLabel, type EndpointSlice } from '../../kube/endpoint-slice.ts';
import type { Logger } from '../../kube/logger.ts';
import type { KubeObject } from '../../kube/object.ts';
import { podResource } from '../../metrics/pod-view.ts';
import { configMaps, type ConfigMap } from '../owned-config-map.ts';
import type { EndpointsView } from './endpoints.ts';
import type { PodReference } from './upstreams.ts';

type Target = NonNullable<EndpointSlice['endpoints']>[number]['targetRef'];

interface SettingsView {
  /** Undefined: it has other things only. */
  readonly text: string | undefined;
}

/** All that an agent watches, of one namespace. */
export interface Watched extends AsyncDisposable {
  /** Of the one ConfigMap. */
  readonly settings: Collection<SettingsView>;
  /** Index `service`. */
  readonly endpoints: Collection<EndpointsView>;
  /** What the Pods that have one say of their weight, by their names. Watched from the first time that it is asked for: it takes a right of its own. */
  labels(): WeightLabels;
}

export interface WeightLabels {
  /** Undefined: it has none. */
  of(pod: string): string | undefined;
  /** Why they are not known; undefined where they are. */
  problem(): string | undefined;
  /** What keeps them from being known, in the server's words; undefined while they are only not there yet. */
  failure(): string | undefined;
}

export function openWatched({
  kube,
  namespace,
  configMapName,
  logger,
  onChange,
}: {
  readonly kube: Kube;
  readonly namespace: string;
  readonly configMapName: string;
  readonly logger: Logger;
  readonly onChange: () => void;
}): Watched {
  const common = { kube, namespaces: [namespace], logger, isSame: isDeepStrictEqual };
  const settings = openCollection<ConfigMap, SettingsView>({
    ...common,
    resource: configMaps,
    fieldSelector: `metadata.name=${configMapName}`,
    project: ({ data }) => ({ text: data?.[loadBalancerSettingsFile] }),
  });
  const endpoints = openCollection<EndpointSlice, EndpointsView>({
    ...common,
    resource: endpointSlices,
    project: projectSlice,
    indexes: { service: ({ service }) => [service] },
  });
  const labelled = openOnce(() =>
    openCollection<KubeObject, WeightLabelView>({
      ...common,
      resource: podResource,
      labelSelector: weightLabel,
      project: ({ metadata }) => ({ label: metadata.labels?.[weightLabel] }),
    }),
  );
  for (const collection of [settings, endpoints]) collection.onChange(onChange);
  return {
    settings,
    endpoints,
    labels() {
      const pods = labelled.open(onChange);
      return {
        of: (pod) => pods.get(`${namespace}/${pod}`)?.label,
        problem: () => pods.problem(),
        failure: () => pods.failure(),
      };
    },
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all([settings, endpoints, labelled].map((each) => each[Symbol.asyncDispose]()))),
  };
}

interface WeightLabelView {
  readonly label: string | undefined;
}

/** A collection that is there once somebody wants it. */
function openOnce<T>(make: () => Collection<T>): AsyncDisposable & { open(onChange: () => void): Collection<T> } {
  let made: Collection<T> | undefined;
  return {
    open(onChange) {
      if (made !== undefined) return made;
      made = make();
      made.onChange(onChange);
      return made;
    },
    [Symbol.asyncDispose]: async () => made?.[Symbol.asyncDispose](),
  };
}

function projectSlice({ metadata, endpoints, ports, addressType }: EndpointSlice): EndpointsView {
  const ready = addressType === 'FQDN' ? [] : (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
  return {
    service: metadata.labels?.[serviceLabel] ?? '',
    ports: (ports ?? []).flatMap(({ name = '', port, protocol = 'TCP' }) =>
      port === undefined || protocol !== 'TCP' ? [] : [{ name, port }],
    ),
    endpoints: ready.flatMap(
      ({ addresses: [address], targetRef }) => (address === undefined ? [] : { address, pod: podOf(targetRef) }), // the other addresses are the same Pod's
    ),
  };
}

function podOf({ kind, name = '', uid = '' }: Exclude<Target, undefined> = {}): PodReference | undefined {
  return kind === 'Pod' && name !== '' ? { name, uid } : undefined;
}
