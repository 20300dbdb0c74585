import { Type, type TObject, type TProperties } from 'typebox';
import type { GenerationService } from '../../api/generation-service.ts';
import type { UpstreamWeights } from '../../api/load-balancer-report.ts';
import { rfc3339 } from '../../api/rfc3339.ts';
import type { CacheServerFigures } from '../../decide/cache-server.ts';
import type { DatabaseServerFigures, DatabaseWork } from '../../decide/database-server.ts';
import type { IdleIndexes } from '../../decide/idle-indexes.ts';
import type { SlowStatements } from '../../decide/slow-statements.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { FloorLooks } from '../../decide/floor-look.ts';
import type { Observation } from '../../decide/objectives.ts';
import type { ComponentFigures, Timed } from '../../metrics/component-figures.ts';
import type { Standing } from '../../metrics/standings.ts';
import type { PodFigures } from '../../metrics/pod-figures.ts';

/** What every view is made of: plain data of one service and of one moment. */
export interface ViewInput {
  readonly service: GenerationService;
  readonly policy: Pick<EffectivePolicy, 'objectives' | 'rating'>;
  /** In the order of the spec. */
  readonly components: readonly ComponentInput[];
  /** Of the cache server that is worst, over the policy's window. */
  readonly redisHitRatio: Observation | undefined;
  /** Those that answered at the last visit. */
  readonly cacheServers: readonly CacheServerInput[];
  readonly databaseServers: readonly DatabaseServerInput[];
  /** Of each nginx before it; undefined before the first visit. */
  readonly weights?: readonly NginxWeightsInput[] | undefined;
  /** What was counted of its objectives; undefined before the first look. */
  readonly standing?: Pick<Standing, 'attainment' | 'burnRates'> | undefined;
  /** Of floors, by component; undefined before the first look. */
  readonly looks?: ReadonlyMap<string, FloorLooks> | undefined;
  /** ms since the epoch. */
  readonly now: number;
}

export interface CacheServerInput {
  readonly name: string;
  /** ms since the epoch. */
  readonly observedAt: number;
  readonly figures: CacheServerFigures;
  /** Over the policy's window. */
  readonly hitRatio: number | undefined;
}

export interface DatabaseServerInput {
  readonly name: string;
  /** ms since the epoch. */
  readonly observedAt: number;
  readonly figures: DatabaseServerFigures;
  /** Over the policy's window. */
  readonly work: DatabaseWork | undefined;
  readonly slow: SlowStatements;
  readonly idleIndexes?: IdleIndexes | undefined;
}

export interface NginxWeightsInput {
  /** Name of its Pod. */
  readonly nginx: string;
  readonly component: string;
  readonly weights: UpstreamWeights;
}

export interface ComponentInput {
  readonly name: string;
  /** Over the policy's window; undefined while nothing is measured. */
  readonly figures: ComponentFigures | undefined;
  readonly pods: readonly PodFigures[];
  /** Undefined: not known. */
  readonly isRollingOut?: boolean | undefined;
}

/** A number, or null: it is not known. Never 0 for that, and never left out. */
export const figure = (description: string) =>
  Type.Unsafe<number | null>({ type: ['number', 'null'], description: `${description} null: not known.` });
export const flag = (description: string) =>
  Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], description: `${description} null: not known.` });
export const textOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description: `${description} null: not known.` });
export const time = (description: string) => Type.String({ description, format: 'date-time' });
export const timeOrNull = (description: string) =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    format: 'date-time',
    description: `${description} null: never.`,
  });

/** A schema that refuses fields it does not name: what a view says is written down. */
export const view = <P extends TProperties>(description: string, properties: P): TObject<P> =>
  Type.Object(properties, { description, additionalProperties: false });

export const ServiceName = view('Which service.', {
  namespace: Type.String({ description: 'Namespace.' }),
  name: Type.String({ description: 'Name.' }),
});
export const serviceName = ({ metadata: { namespace, name } }: GenerationService) => ({ namespace, name });

/** A megabyte here is what the guide calls one. */
const megabyte = 2 ** 20;

/** Six significant digits: measured figures have fewer. Only a number is one. */
export const known = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(6));
export const valueOf = (seen: Timed | Observation | undefined): number | null => known(seen?.value);
export const megabytes = (bytes: number | undefined): number | null =>
  known(bytes === undefined ? undefined : bytes / megabyte);
export const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : rfc3339(ms));

/** The sum of what is known; null where nothing is. */
export function sumOf(values: readonly (number | undefined)[]): number | null {
  const all = values.filter((value) => value !== undefined);
  return all.length === 0 ? null : known(all.reduce((sum, value) => sum + value, 0));
}
