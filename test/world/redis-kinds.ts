import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { eventually } from './eventually.ts';
import { customResourceDefinitions, type World } from './world.ts';

interface RedisFailover extends KubeObject {
  readonly spec: { readonly redis?: { readonly replicas?: number; readonly customConfig?: readonly string[] } };
}
interface RedisReplication extends KubeObject {
  readonly spec: { readonly redisConfig?: { readonly dynamicConfig?: readonly string[] } };
}
const spotahome = { group: 'databases.spotahome.com', version: 'v1' };
const opstree = { group: 'redis.redis.opstreelabs.in', version: 'v1beta2' };
export const redisFailovers = resource<RedisFailover>({
  ...spotahome,
  plural: 'redisfailovers',
  kind: 'RedisFailover',
  namespaced: true,
});
export const redisReplications = resource<RedisReplication>({
  ...opstree,
  plural: 'redisreplications',
  kind: 'RedisReplication',
  namespaced: true,
});
export const redisClusters = resource<RedisReplication>({
  ...opstree,
  plural: 'redisclusters',
  kind: 'RedisCluster',
  namespaced: true,
});
/** Of a version of that operator that has no list yet. */
export const redisWithoutList = resource<RedisReplication>({
  ...opstree,
  plural: 'redis',
  kind: 'Redis',
  namespaced: true,
});

const lines = { type: 'array', items: { type: 'string' } };
const counted = (count: string, properties: object): object => ({
  type: 'object',
  properties: { [count]: { type: 'integer' }, ...properties },
});

/** Two operators' kinds with as much of their schemas as settings need. Neither operator is there: a test does what it would do. */
export async function installRedisKinds({ kube, signal }: World): Promise<void> {
  const redis = counted('replicas', { customConfig: lines });
  const redisConfig = { type: 'object', properties: { dynamicConfig: lines } };
  const schemas = [
    { of: redisFailovers, spec: { type: 'object', properties: { redis } } },
    { of: redisReplications, spec: counted('clusterSize', { redisConfig }) },
    { of: redisClusters, spec: counted('clusterSize', { redisConfig }) },
    { of: redisWithoutList, spec: counted('port', { redisConfig: { type: 'object', properties: {} } }) },
  ];
  for (const { of, spec } of schemas) {
    const { group, version, plural, kind } = of;
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
    const crd = {
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, singular: kind.toLowerCase(), kind },
        versions: [{ name: version, served: true, storage: true, schema }],
      },
    };
    await kube.apply(customResourceDefinitions, crd, { manager: 'genops-test', force: true }, signal);
  }
  for (const { of } of schemas) await eventually(() => kube.list<KubeObject>(of, { namespace: 'default' }, signal));
}
