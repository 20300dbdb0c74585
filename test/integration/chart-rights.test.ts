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

/** What each Role of a namespace gives by name. */
const givenIn = (all: readonly Rendered[], namespace: string) =>
  named(all, 'Role')
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ metadata, rules }) => [
      metadata.name,
      (rules as readonly { readonly apiGroups: unknown; readonly resourceNames: unknown }[]).map(
        ({ apiGroups, resourceNames }) => [apiGroups, resourceNames],
      ),
    ]);

test('several entries of secretAccess for one namespace add up in one Role', async () => {
  const entries = '[{"namespace":"ai","names":["redis","postgres"]},{"namespace":"team","names":["redis"]},{"namespace":"ai","names":["postgres","admin"]}]'; // prettier-ignore
  const all = await chart('--set-json', `secretAccess=${entries}`);
  expect(givenIn(all, 'ai')).toEqual([['genops-secrets', [[[''], ['redis', 'postgres', 'admin']]]]]);
  expect(givenIn(all, 'team')).toEqual([['genops-secrets', [[[''], ['redis']]]]]);
  expect(named(all, 'RoleBinding').filter(({ metadata }) => metadata.name === 'genops-secrets')).toHaveLength(2);
});

test('several entries of databaseClusters for one resource of a namespace add up in one Role', async () => {
  const entry = (group: string, name: string) => ({ namespace: 'ai', group, resource: 'clusters', names: [name] });
  const entries = [entry('postgresql.cnpg.io', 'pg'), entry('other.io', 'x'), entry('postgresql.cnpg.io', 'second')];
  const all = await chart('--set-json', `databaseClusters=${JSON.stringify(entries)}`);
  expect(givenIn(all, 'ai')).toEqual([['genops-clusters', entries.map(({ group, names }) => [[group], names])]]);
});

test.each([
  ['secretAccess', { namespace: 'team', names: ['redis'] }],
  ['databaseClusters', { namespace: 'team', group: 'postgresql.cnpg.io', resource: 'clusters', names: ['pg'] }],
])('%s for a namespace that is not looked after is refused, with both named', async (value, entry) => {
  const set = ['--set-json', `${value}=${JSON.stringify([entry])}`, '--set-json'];
  await expect(chart(...set, 'namespaces=["ai","b"]')).rejects.toThrow(
    new RegExp(`saw ${value} for the namespace team, and namespaces ai,b without it; .* next: add team to namespaces`),
  );
  expect(givenIn(await chart(...set, 'namespaces=["ai","team"]'), 'team')).toHaveLength(2);
});

test('a namespace that is named twice is refused', async () => {
  await expect(chart('--set-json', 'namespaces=["ai","ai"]')).rejects.toThrow(/namespaces/);
});

test('plain /metrics is off where that is asked for, with views or without', async () => {
  for (const views of [true, false]) {
    const off = ['--set', `views.enabled=${views},monitoring.plainMetrics=false,networkPolicy.enabled=true`];
    const all = await chart(...off);
    const container = named(all, 'Deployment')[0]?.spec?.template?.spec.containers[0];
    expect(container?.['args']).toContain('--metrics-bind-address=');
    expect(JSON.stringify(container?.['ports'])).not.toContain('8080');
    expect(JSON.stringify(named(all, 'NetworkPolicy'))).not.toContain('metrics');
    await expect(chart(...off, '--set', 'monitoring.podMonitor.enabled=true')).rejects.toThrow(/wanted one of them/);
  }
});
