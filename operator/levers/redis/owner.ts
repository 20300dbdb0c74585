import {
  valueAt,
  ownerObjectOf,
  readOwnerObject,
  writeOwnerObject,
  writersOf,
  type OwnerKube,
  type OwnerProvider,
} from '../owner-object.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { RedisUnit } from './unit.ts';

/** What stands in the object of a Redis operator. */
export interface ServerOwner {
  /** `RedisFailover cache` */
  readonly label: string;
  readonly uid: string;
  /** `spec.redis.customConfig` */
  readonly field: string;
  /** `name value`, as that operator takes them. Of ours only: somebody else's may hold a password. */
  readonly lines: readonly string[];
  /** Who has written the list: it is one field, and goes or stays as a whole. */
  readonly heldBy: 'Nobody' | 'Us' | { readonly manager: string };
}

const opstree = {
  group: 'redis.redis.opstreelabs.in',
  version: 'v1beta2',
  path: ['spec', 'redisConfig', 'dynamicConfig'],
};
/** Lists of lines, which their operators set on every server with CONFIG SET. */
const providers: readonly OwnerProvider[] = [
  {
    group: 'databases.spotahome.com',
    version: 'v1',
    plural: 'redisfailovers',
    kind: 'RedisFailover',
    path: ['spec', 'redis', 'customConfig'],
  },
  { ...opstree, plural: 'redis', kind: 'Redis' },
  { ...opstree, plural: 'redisreplications', kind: 'RedisReplication' },
  { ...opstree, plural: 'redisclusters', kind: 'RedisCluster' },
];

const words = {
  section: 'redis',
  settings: 'settings',
  conflict: {
    wanted: 'this list to be ours or nobody’s',
    next: 'set the declared values there, or remove the list',
  },
};

const objectOf = (unit: RedisUnit) => ownerObjectOf(unit, { providers, words });

/** @returns undefined where no operator owns the server, or one of which nothing is known. @throws {Problem} OwnerNotFound, PermissionDenied */
export async function readOwner(
  unit: RedisUnit,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<ServerOwner | undefined> {
  const which = objectOf(unit);
  if (kube === undefined || which === undefined) return undefined;
  const { clusterRef, provider } = which;
  const object = await readOwnerObject(which, kube, signal);
  const list = valueAt(object, provider.path);
  const heldBy = holderOf(object, provider, list !== undefined);
  return {
    label: `${clusterRef.kind} ${clusterRef.name}`,
    uid: object.metadata.uid,
    field: provider.path.join('.'),
    lines: heldBy === 'Us' ? textsIn(list) : [],
    heldBy,
  };
}

/**
 * Has just these lines in the object; none: the list goes, as it was before us.
 *
 * @throws {Problem} Conflict, PermissionDenied, ConfigRejected
 */
export async function writeOwner(
  unit: RedisUnit,
  { uid, lines }: Pick<ServerOwner, 'uid' | 'lines'>,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<void> {
  const which = objectOf(unit);
  if (kube === undefined || which === undefined) throw new Error('no object to write to');
  await writeOwnerObject(which, { uid, settings: lines.length === 0 ? undefined : lines }, kube, signal);
}

/** A list of which nobody is said to have it may have been anybody's. */
function holderOf(object: KubeObject, provider: OwnerProvider, isThere: boolean): ServerOwner['heldBy'] {
  const writers = writersOf(object, provider);
  const other = writers.find(({ isOurs }) => !isOurs);
  if (other !== undefined) return { manager: other.manager };
  if (writers.length > 0) return 'Us';
  return isThere ? { manager: 'somebody' } : 'Nobody';
}

const textsIn = (list: unknown): readonly string[] =>
  Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
