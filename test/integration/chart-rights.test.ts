import { beforeAll, expect, test } from '@jest/globals';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { chartWith, named, parsed, type Rendered } from './chart-rendering.ts';

let tools: ClusterTools;
beforeAll(async () => {
  tools = await clusterTools([], AbortSignal.timeout(600_000));
}, 600_000);
const chart = (...flags: readonly string[]) => chartWith(tools, ...flags);

/** Roles of the cluster that are part of a built-in one, by name. */
const partsOf = (all: readonly Rendered[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    named(all, 'ClusterRole').flatMap(({ metadata: { name, labels = {} } }) => {
      const into = Object.keys(labels).flatMap((label) => /aggregate-to-(\w+)$/.exec(label)?.[1] ?? []);
      return into.length === 0 ? [] : [[name, into.toSorted()]];
    }),
  );

test('people have services and policies by the built-in roles, with chart and kustomize base alike', async () => {
  const parts = { 'genops-viewer': ['view'], 'genops-editor': ['admin', 'edit'] };
  expect(partsOf(await chart())).toEqual(parts);
  expect(partsOf(parsed(await tools.kubectl('kustomize', 'config/default')))).toEqual(parts);
  expect(partsOf(await chart('--set', 'userRoles.enabled=false'))).toEqual({});
});

test('two releases of one name, each with namespaces of its own, have no object of the cluster in common', async () => {
  const ofCluster = async (system: string) => {
    const values = ['--set', 'views.enabled=true', '--set-json', `namespaces=["${system}-ai"]`];
    const all = parsed(await tools.helm('template', 'genops', 'charts/genops', '-n', system, ...values));
    return all.filter(({ metadata }) => metadata.namespace === undefined).map(({ metadata }) => metadata.name);
  };
  const [one, other] = [await ofCluster('red'), await ofCluster('blue')];
  expect(one).toHaveLength(3);
  expect(one.filter((name) => other.includes(name))).toEqual([]);
});
