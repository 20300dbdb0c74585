/** Pods of one component that may be there at once, and what each of them opens. */
export interface PodPools {
  readonly component: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** A roll-out starts new Pods while old ones still end. */
  readonly hasOverlap: boolean;
  /** Connections of each Pod. */
  readonly pool: { readonly min: number; readonly max: number };
  /** The Pods have their pools from us: they may be made smaller. */
  readonly isLowered: boolean;
  /** Their autoscaler is ours too: there may be fewer of them, once their pools are as small as they may be. */
  readonly hasFewer: boolean;
}

/** What one entry of `spec.postgres` may open. */
export interface ConnectionUse {
  readonly pods: readonly PodPools[];
  /** Most that a pooler in between opens, whatever the Pods do; undefined: they connect directly. */
  readonly poolerConnections: number | undefined;
}

/** How far all come down together: 1 is as declared, 0 as little as may be. */
export interface Shares {
  readonly pools: number;
  readonly replicas: number;
}

/** The last new Pod of a roll-out may be there while all old ones still end: each holds its connections. Its surge is among them. */
const mostPods = ({ maxReplicas, hasOverlap }: Pick<PodPools, 'maxReplicas' | 'hasOverlap'>): number =>
  hasOverlap ? 2 * maxReplicas : maxReplicas;

export const connectionsNeeded = ({ pods, poolerConnections }: ConnectionUse): number =>
  poolerConnections ?? sum(pods.map(needOf));

export const needOf = (one: PodPools): number => mostPods(one) * one.pool.max;

/**
 * Pools first, then replicas: of everybody who opens something on a server, by the same share, so that all come to it by themselves.
 *
 * @param room What all of them may open together, and do not fit into as declared.
 */
export function sharesFor(uses: readonly ConnectionUse[], room: number): Shares {
  const behind = sum(uses.map(({ poolerConnections = 0 }) => poolerConnections));
  const pods = uses.flatMap((use) => (use.poolerConnections === undefined ? use.pods : []));
  const pools = poolShare(pods, room - behind);
  const smaller = pods.map((one) => lowered(one, { pools, replicas: 1 }));
  return { pools, replicas: replicaShare(smaller, room - behind) };
}

/** What this is lowered to, as far as it is ours to lower. */
export function lowered(one: PodPools, { pools, replicas }: Shares): PodPools {
  const { pool, minReplicas, maxReplicas } = one;
  const fewer = minReplicas + Math.floor((maxReplicas - minReplicas) * replicas);
  return {
    ...one,
    maxReplicas: one.hasFewer && minReplicas < maxReplicas ? fewer : maxReplicas,
    pool: one.isLowered ? { ...pool, max: smallerPool(pool, pools) } : pool,
  };
}

/** Never below its `min`. */
export const smallerPool = (pool: PodPools['pool'], share: number): number =>
  Math.min(Math.max(Math.floor(pool.max * share), pool.min, 1), pool.max);

/** What one keeps for its `min` the others have less of: until none is below its own. */
function poolShare(pods: readonly PodPools[], room: number): number {
  let left = room - sum(pods.filter((one) => !one.isLowered).map(needOf));
  let rest = pods.filter((one) => one.isLowered);
  while (rest.length > 0) {
    const share = Math.min(Math.max(left / sum(rest.map(needOf)), 0), 1);
    const least = rest.filter(({ pool }) => pool.max * share < Math.max(pool.min, 1));
    if (least.length === 0) return share;
    left -= sum(least.map((one) => needOf(lowered(one, { pools: 0, replicas: 1 }))));
    rest = rest.filter((one) => !least.includes(one));
  }
  return 0;
}

/** Replicas are whole Pods: where those add up to more than the room, a little less. */
const finerBy = 0.01;

function replicaShare(pods: readonly PodPools[], room: number): number {
  const needed = (share: number): number => sum(pods.map((one) => needOf(lowered(one, { pools: 1, replicas: share }))));
  const [most, least] = [needed(1), needed(0)];
  if (most <= room) return 1;
  let share = Math.max((room - least) / (most - least), 0);
  while (share > 0 && needed(share) > room) share = Math.max(share - finerBy, 0);
  return Number.isFinite(share) ? share : 0; // nothing to lower
}

export const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);
