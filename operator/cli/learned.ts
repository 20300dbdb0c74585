import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { quantity } from '../api/quantity.ts';
import { effectivePolicy, type EffectivePolicy } from '../decide/effective-policy.ts';
import type { UnitMemory } from '../levers/lever.ts';
import type { LeverMemory } from '../levers/run.ts';
import { conflictOn } from './autoscaler-conflict.ts';

/** A value that the operator has found or set, and nobody has written down. */
export interface Learned {
  /** Below `spec`; entries of lists by their names, `-` behind the last one. */
  readonly at: readonly string[];
  readonly value: unknown;
  readonly why: string;
}

export interface LearnedInput {
  readonly service: GenerationService;
  readonly policy: Pick<PerformancePolicy, 'metadata' | 'spec'> | undefined;
  readonly memory: LeverMemory;
}

/** What of a service may be written back: what moves each minute (weights of Pods) or is undone by itself (workers) is not among it. */
export function learnedOf({ service: { spec, status = {} }, policy, memory }: LearnedInput): readonly Learned[] {
  const layers = {
    ...(policy === undefined ? {} : { policy: { name: policy.metadata.name, spec: policy.spec } }),
    ...(spec.overrides === undefined ? {} : { overrides: spec.overrides }),
  };
  const ofAll = effectivePolicy(layers).policy;
  return [
    ...spec.components.flatMap((component) => {
      const { name, overrides } = component;
      const effective = effectivePolicy({ ...layers, component: { name, overrides } }).policy;
      const known = status.components?.find((one) => one.name === name) ?? { name };
      const isOne = spec.components.length === 1;
      const isOthers = conflictOn(name, { conditions: status.conditions ?? [], isOne }) !== undefined;
      return ofComponent(known, effective, isOthers ? undefined : movedFloor(known, effective));
    }),
    ...redisMemory(spec, ofAll, memory),
    ...postgresParameters(spec, ofAll, memory),
    ...advisedIndexes(status),
  ];
}

type ComponentStatus = NonNullable<NonNullable<GenerationService['status']>['components']>[number];

/** Status has the floor of somebody else's HPA too: where none is made by us, it is ours while it is what the last decision made it. */
const movedFloor = ({ replicas, decision }: ComponentStatus, { horizontal }: EffectivePolicy): number | undefined =>
  horizontal.mode !== 'Enforce' && decision?.to !== replicas?.floor ? undefined : replicas?.floor;

function ofComponent(
  { name, recommendation = {} }: ComponentStatus,
  { horizontal, resources, vertical, scaler }: EffectivePolicy,
  floor: number | undefined,
): readonly Learned[] {
  const own = (...at: readonly string[]): readonly string[] => ['components', name, 'overrides', ...at];
  const most = Math.min(horizontal.maxReplicas, scaler.fallback?.replicas ?? Infinity); // above it the policy would contradict itself
  const raised =
    floor === undefined || floor <= horizontal.minReplicas || floor > most
      ? []
      : [{ at: own('horizontal', 'minReplicas'), value: floor, why: `the floor now; declared: ${horizontal.minReplicas}` }]; // prettier-ignore
  const sized = (['cpu', 'memory'] as const).flatMap((part) => {
    const wanted = recommendation[part];
    const [request, limit] = [resources.requests[part], resources.limits[part]];
    if (wanted === undefined || vertical.mode === 'Off' || quantity(wanted) === quantity(request)) return [];
    const why = `recommended by the vertical autoscaler; declared: ${request}`;
    const asked = { at: own('resources', 'requests', part), value: wanted, why };
    if (quantity(wanted) <= quantity(limit)) return [asked];
    return [asked, { at: own('resources', 'limits', part), value: wanted, why: `room for the request; declared: ${limit}` }]; // prettier-ignore
  });
  return [...raised, ...sized];
}

/** A limit that was worked out of the container's memory, where every server has the same. Beside a percentage of the service's own there is no place for it. */
function redisMemory(
  { redis = [], overrides }: GenerationService['spec'],
  { redis: declared }: EffectivePolicy,
  memory: LeverMemory,
): readonly Learned[] {
  if (declared.maxMemoryPercentOfLimit === undefined || overrides?.redis?.maxMemoryPercentOfLimit !== undefined)
    return [];
  const value = sameOfAll(redis.map(({ name }) => memory[`redis/${name}`])).get('maxmemory');
  if (value === undefined) return [];
  const why = `in force; declared: maxMemoryPercentOfLimit ${declared.maxMemoryPercentOfLimit}`;
  return [{ at: ['overrides', 'redis', 'maxMemory'], value: inMebibytes(value), why }];
}

/** As people write it, where nothing is lost by that. */
function inMebibytes(bytes: string): string {
  const mebibytes = Number(bytes) / 2 ** 20;
  return Number.isInteger(mebibytes) ? `${mebibytes}Mi` : bytes;
}

/** What was worked out of `sizing` and the container, where every server has the same. */
function postgresParameters(
  { postgres = [] }: GenerationService['spec'],
  { postgres: declared }: EffectivePolicy,
  memory: LeverMemory,
): readonly Learned[] {
  const inForce = sameOfAll(postgres.map(({ name }) => memory[`postgresql/${name}`]));
  return [...inForce]
    .filter(([parameter]) => declared.parameters[parameter] === undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([parameter, value]) => ({
      at: ['overrides', 'postgres', 'parameters', parameter],
      value,
      why: 'worked out of postgres.sizing',
    }));
}

/** What stands on all of these servers with the same value, confirmed by each. */
function sameOfAll(servers: readonly (UnitMemory | undefined)[]): ReadonlyMap<string, string> {
  const each = servers.flatMap((memory) =>
    memory === undefined ? [{}] : Object.values(memory.nodes ?? { '': memory }).map(confirmed),
  );
  const [first = {}, ...rest] = each;
  return new Map(Object.entries(first).filter(([name, value]) => rest.every((other) => other[name] === value)));
}

const confirmed = ({ applied = {}, unconfirmed = [] }: UnitMemory): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(applied).filter(([name]) => !unconfirmed.includes(name)));

/** Indexes that would help and that nobody has declared. */
const advisedIndexes = ({ postgres = [] }: NonNullable<GenerationService['status']>): readonly Learned[] =>
  postgres
    .flatMap(({ indexes = [] }) => indexes)
    .flatMap(({ name, state, on = '', gain }) => {
      const [, schema, table, columns = ''] = /^(?:(\w+)\.)?(\w+) \(([\w, ]+)\)$/.exec(on) ?? [];
      if (state !== 'Advised' || table === undefined) return [];
      const place = schema === undefined ? {} : { schema };
      const value = { name, ...place, table, columns: columns.split(', ').map((column) => ({ name: column })) };
      return [{ at: ['overrides', 'postgres', 'indexes', '-'], value, why: `advised${gain === undefined ? '' : `: ${gain}`}` }]; // prettier-ignore
    });
