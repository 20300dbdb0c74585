import type { Defects } from './defects.ts';

/** How long one workflow takes. */
export interface WorkflowShape {
  /** Mean of the service time (CPU and waiting), in ms, without queueing. */
  readonly meanMs: number;
  /** Its coefficient of variation. */
  readonly cv: number;
  /** CPU time within it, in ms: hashing. The rest is waiting, as for the answer of a model. */
  readonly cpuMs: number;
}

export interface Settings {
  /** 0: any free one; the first line of output says which. */
  readonly port: number;
  readonly metricsPort: number;
  readonly seed: number;
  /** Workflows at once in this Pod; the others wait in the order in which they came. */
  readonly slots: number;
  readonly maxQueued: number;
  /** A workflow that got no slot in this time is answered with 503. */
  readonly giveUpMs: number;
  readonly workflow: WorkflowShape;
  readonly item: {
    /** Mean time to load what is not in the cache. */
    readonly loadMs: number;
    readonly ttlSeconds: number;
    readonly bytes: number;
  };
  /** Absent: no cache at all. */
  readonly redis: RedisAddress | undefined;
  /** File that the lever `runtime` writes; absent: the service is not managed. */
  readonly runtimeSettings: string | undefined;
  /** Secret of the admin actions, on the port of the metrics; absent: there are none. */
  readonly adminKey: string | undefined;
  /** Who is meant by admin actions; absent: the host's name. */
  readonly podName: string | undefined;
  /** Workflows compute on threads, not between other requests. */
  readonly cpuPool: boolean;
  /** Who answers for the model after `?ms=` milliseconds; absent: that time passes. */
  readonly modelUrl: string | undefined;
  /** Where items are loaded from; absent: that time passes. */
  readonly postgresUrl: string | undefined;
  readonly defects: Defects;
  /** After SIGTERM: how long requests in flight may take before they are cut off. */
  readonly drainMs: number;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws RangeError that names the variable and its range. */
export function readSettings(env: Env): Settings {
  return {
    port: number(env, 'PORT', { orElse: 8080, min: 0, max: 65_535 }),
    metricsPort: number(env, 'METRICS_PORT', { orElse: 9090, min: 0, max: 65_535 }),
    seed: number(env, 'SEED', { orElse: 1, min: 0, max: 2 ** 32 - 1 }),
    slots: number(env, 'WORKFLOW_SLOTS', { orElse: 4, min: 1, max: 1000 }),
    maxQueued: number(env, 'WORKFLOW_MAX_QUEUED', { orElse: 1000, min: 0, max: 100_000 }),
    giveUpMs: number(env, 'WORKFLOW_GIVE_UP_MS', { orElse: 60_000, min: 1, max: 600_000 }),
    workflow: readShape(
      { meanMs: env['WORKFLOW_MEAN_MS'], cv: env['WORKFLOW_CV'], cpuMs: env['WORKFLOW_CPU_MS'] },
      { meanMs: 500, cv: 0.5, cpuMs: 5 },
    ),
    item: {
      loadMs: number(env, 'ITEM_LOAD_MS', { orElse: 150, min: 0, max: 60_000 }),
      ttlSeconds: number(env, 'ITEM_TTL_SECONDS', { orElse: 300, min: 1, max: 86_400 }),
      bytes: number(env, 'ITEM_BYTES', { orElse: 1024, min: 1, max: 1_048_576 }),
    },
    redis: readRedis(env),
    adminKey: text(env, 'ADMIN_KEY'),
    runtimeSettings: text(env, 'RUNTIME_SETTINGS'),
    podName: text(env, 'POD_NAME'),
    cpuPool: number(env, 'CPU_POOL', { orElse: 0, min: 0, max: 1 }) === 1,
    modelUrl: text(env, 'MODEL_URL'),
    postgresUrl: text(env, 'POSTGRES_URL'),
    defects: readDefects(env),
    drainMs: number(env, 'DRAIN_MS', { orElse: 25_000, min: 0, max: 600_000 }),
  };
}

/** What a request's query (or the environment) says, and `orElse` for the rest. */
export function readShape(given: Partial<Record<keyof WorkflowShape, string | undefined>>, orElse: WorkflowShape) {
  return {
    meanMs: number(given, 'meanMs', { orElse: orElse.meanMs, min: 0, max: 120_000 }),
    cv: number(given, 'cv', { orElse: orElse.cv, min: 0, max: 5 }),
    cpuMs: number(given, 'cpuMs', { orElse: orElse.cpuMs, min: 0, max: 10_000 }),
  };
}

/** How long the model takes for an answer. */
export const readModelMs = (query: URLSearchParams): number =>
  number({ ms: query.get('ms') ?? undefined }, 'ms', { orElse: 300, min: 0, max: 120_000 });

function readDefects(env: Env): Defects {
  return {
    leakKilobytes: number(env, 'DEFECT_LEAK_KB', { orElse: 0, min: 0, max: 100_000 }),
    garbageMegabytes: number(env, 'DEFECT_GARBAGE_MB', { orElse: 0, min: 0, max: 2_000 }),
    hogPercent: number(env, 'DEFECT_HOG_PERCENT', { orElse: 0, min: 0, max: 100 }),
    coldCache: number(env, 'DEFECT_COLD_CACHE', { orElse: 0, min: 0, max: 1 }) === 1,
  };
}

function readRedis(env: Env): RedisAddress | undefined {
  const { REDIS_HOST: host, REDIS_USERNAME: username, REDIS_PASSWORD: password } = env;
  if (host === undefined || host === '') return undefined;
  return { host, port: number(env, 'REDIS_PORT', { orElse: 6379, min: 1, max: 65_535 }), username, password };
}

/** Empty: absent. */
const text = (env: Env, name: string): string | undefined => (env[name] === '' ? undefined : env[name]);

function number(env: Env, name: string, { orElse, min, max }: { orElse: number; min: number; max: number }): number {
  const given = text(env, name);
  if (given === undefined) return orElse;
  const value = Number(given);
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name} is "${given}"; wanted a number from ${min} to ${max}, for example ${orElse}`);
}
