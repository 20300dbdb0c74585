import { amount, type Quantity } from '../../api/quantity.ts';
import type { KubeObject } from '../../kube/object.ts';
import {
  ownerObjectOf,
  readOwnerObject,
  valueAt,
  writeOwnerObject,
  writersOf,
  type OwnerKube,
  type OwnerProvider,
} from '../owner-object.ts';
import type { PostgresUnit } from './unit.ts';

/** What stands in the object of a database operator. */
export interface ServerOwner {
  /** `Cluster pg` */
  readonly label: string;
  readonly uid: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Names of those that we have put there. */
  readonly ours: readonly string[];
  /** Who else has put one there, by its name. */
  readonly others: Readonly<Record<string, string>>;
  /** Undefined: not known. */
  readonly volume?: DataVolume | undefined;
}

/** What the data of a server lies on. */
export interface DataVolume {
  readonly bytes: number;
  /** The write-ahead log has none of its own. */
  readonly hasLog: boolean;
}

/** A new operator is one more of these; `path` leads to a map of texts; Patroni takes figures and truth too. */
interface DatabaseProvider extends OwnerProvider {
  /** Where it says how large the volume of the data is. */
  readonly volume: readonly string[];
  /** Where it has another one for the write-ahead log. */
  readonly logVolume?: readonly string[];
}

/** Patroni’s own settings, which these operators hand on as they are. */
const ofPatroni = ['spec', 'patroni', 'dynamicConfiguration', 'postgresql', 'parameters'];

const volumesOfPatroni = {
  volume: ['spec', 'instances', '0', 'dataVolumeClaimSpec', 'resources', 'requests', 'storage'],
  logVolume: ['spec', 'instances', '0', 'walVolumeClaimSpec'],
};

const providers: readonly DatabaseProvider[] = [
  {
    group: 'postgresql.cnpg.io',
    version: 'v1',
    kind: 'Cluster',
    plural: 'clusters',
    path: ['spec', 'postgresql', 'parameters'],
    volume: ['spec', 'storage', 'size'],
    logVolume: ['spec', 'walStorage'],
  },
  {
    group: 'postgres-operator.crunchydata.com',
    version: 'v1beta1',
    kind: 'PostgresCluster',
    plural: 'postgresclusters',
    path: ofPatroni,
    ...volumesOfPatroni,
  },
  {
    group: 'pgv2.percona.com',
    version: 'v2',
    kind: 'PerconaPGCluster',
    plural: 'perconapgclusters',
    path: ofPatroni,
    ...volumesOfPatroni,
  },
  {
    group: 'acid.zalan.do',
    version: 'v1',
    kind: 'postgresql',
    plural: 'postgresqls',
    path: ['spec', 'postgresql', 'parameters'],
    volume: ['spec', 'volume', 'size'],
  },
];

const words = {
  section: 'postgres',
  settings: 'parameters',
  conflict: { wanted: 'these parameters to be ours or nobody’s', next: 'remove them there, or from the policy' },
};

const objectOf = (unit: PostgresUnit) => ownerObjectOf(unit, { providers, words });

/** @returns undefined where no operator owns the server, or one of which nothing is known. @throws {Problem} OwnerNotFound, PermissionDenied */
export async function readOwner(
  unit: PostgresUnit,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<ServerOwner | undefined> {
  const which = objectOf(unit);
  if (kube === undefined || which === undefined) return undefined;
  const { clusterRef, provider } = which;
  const object = await readOwnerObject(which, kube, signal);
  return {
    label: `${clusterRef.kind} ${clusterRef.name}`,
    uid: object.metadata.uid,
    parameters: textsIn(valueAt(object, provider.path) as object | undefined),
    ...holdersOf(object, provider),
    volume: volumeOf(object, provider),
  };
}

function volumeOf(object: KubeObject, { volume, logVolume = [] }: DatabaseProvider): DataVolume | undefined {
  const size = amount(valueAt(object, volume) as Quantity | undefined);
  const hasLog = logVolume.length === 0 || valueAt(object, logVolume) === undefined;
  return size === undefined ? undefined : { bytes: size, hasLog };
}

/**
 * Has just these parameters of ours in the object: what it has of others stays, and what of ours is not among them goes.
 *
 * @throws {Problem} Conflict, PermissionDenied, ConfigRejected
 */
export async function writeOwner(
  unit: PostgresUnit,
  { uid, parameters }: Pick<ServerOwner, 'uid' | 'parameters'>,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<void> {
  const which = objectOf(unit);
  if (kube === undefined || which === undefined) throw new Error('no object to write to');
  const settings = Object.keys(parameters).length === 0 ? undefined : parameters;
  await writeOwnerObject(which, { uid, settings }, kube, signal);
}

function holdersOf(object: KubeObject, provider: OwnerProvider): Pick<ServerOwner, 'ours' | 'others'> {
  const held = writersOf(object, provider).flatMap(({ names, ...writer }) =>
    names.map((name) => ({ name, ...writer })),
  );
  return {
    ours: held.filter(({ isOurs }) => isOurs).map(({ name }) => name),
    others: Object.fromEntries(held.filter(({ isOurs }) => !isOurs).map(({ name, manager }) => [name, manager])),
  };
}

const textsIn = (map: object = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(map).flatMap(([name, value]) => {
      if (typeof value === 'boolean') return [[name, value ? 'on' : 'off']];
      return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [];
    }),
  );
