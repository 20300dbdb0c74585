import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../operator/kube/object.ts';
import type { ClusterTools } from '../world/cluster-tools.ts';

export interface Rendered extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: readonly unknown[];
  readonly roleRef?: { readonly name: string };
  readonly subjects?: readonly unknown[];
  readonly spec?: {
    readonly template?: {
      readonly spec: { readonly containers: readonly Record<string, unknown>[] } & Record<string, unknown>;
    };
  };
}

export const parsed = (text: string): readonly Rendered[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Rendered | null) ?? []);

/** What `helm template` makes of the chart as the release genops of genops-system. Rejects with what the chart refuses. */
export const chartWith = async (tools: ClusterTools, ...flags: readonly string[]): Promise<readonly Rendered[]> =>
  parsed(await tools.helm('template', 'genops', 'charts/genops', '-n', 'genops-system', ...flags));

export const named = (all: readonly Rendered[], kind: string): readonly Rendered[] =>
  all.filter((object) => object.kind === kind);

export const rulesOf = (all: readonly Rendered[]): Readonly<Record<string, readonly unknown[]>> =>
  Object.fromEntries(
    [...named(all, 'ClusterRole'), ...named(all, 'Role')].map(({ metadata, rules = [] }) => [metadata.name, rules]),
  );
