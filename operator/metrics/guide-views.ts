import type { SignalName } from '../api/contract.ts';
import { isPointer, type SignalMapping } from './signals.ts';

/** Where a workload serves the guide's views, if nobody says otherwise. */
export const guidePaths = { monitoring: '/api/monitoring/metrics', cache: '/api/cache/status' } as const;

/** Where the guide's views have each signal; several: the first that is there. JSON pointers (RFC 6901). */
const guide: Readonly<Partial<Record<SignalName, readonly string[]>>> = {
  cpu: ['/metrics/cpu_percent'],
  memory: ['/metrics/memory_usage_mb'],
  activeConnections: ['/metrics/active_connections'],
  requestRate: ['/metrics/request_rate'],
  errors: ['/metrics/error_rate'],
  responseTime: ['/metrics/response_time_p95'],
  workflowDuration: ['/metrics/workflow_execution_time'],
  workflowsInFlight: ['/metrics/workflows_in_flight'],
  queueLength: ['/metrics/queue_length'],
  cacheRequests: ['/statistics/hit_ratio', '/metrics/cache_hit_ratio'],
  cachedResponseTime: [],
};
const shares: ReadonlySet<string> = new Set<SignalName>(['errors', 'cacheRequests']);

/** What the views of a workload say, in base units: cores, bytes, seconds, 1/s, ratios. Undefined: null, or not there. */
export interface GuideFigures {
  readonly signals: Readonly<Partial<Record<SignalName, number>>>;
  readonly successRatio: number | undefined;
  /** Look-ups since the start of the process: better than a share where they are there. */
  readonly lookUps: { readonly hits: number | undefined; readonly misses: number | undefined };
  /** Of the one cache and of the other, where the view tells them apart; null: told, and not known. */
  readonly hitRatios: { readonly redis: number | null | undefined; readonly workload: number | null | undefined };
}

/**
 * Reads both views of the guide (B4, B5).
 *
 * @param views The documents, in the order in which a pointer is looked for. Undefined: the workload has no such view.
 * @param mappings The workload's own pointers; mappings to metrics are none of these.
 * @returns `wrong`: what stands there and is no figure.
 */
export function guideViews(
  views: readonly unknown[],
  mappings: readonly SignalMapping[] = [],
): GuideFigures | { readonly wrong: string } {
  const own = new Map(mappings.filter(isPointer).map(({ name, metric }) => [name, [metric]]));
  const wrong: string[] = [];
  const told = (pointers: readonly string[], most = Infinity): number | null | undefined => {
    let isThere = false;
    for (const pointer of pointers)
      for (const document of views) {
        const value = valueAt(document, pointer);
        isThere ||= value === null;
        if (value === undefined || value === null) continue;
        if (typeof value !== 'number' || !Number.isFinite(value)) wrong.push(`${pointer} is no number`);
        else if (value < 0) wrong.push(`${pointer} is ${value}`);
        else if (inBaseUnit(value, pointer) > most) wrong.push(`the share ${pointer} is ${value}, not from 0 to 1`);
        else return inBaseUnit(value, pointer);
      }
    return isThere ? null : undefined;
  };
  const known = (pointers: readonly string[], most?: number): number | undefined => told(pointers, most) ?? undefined;
  const signals = (Object.keys(guide) as SignalName[]).flatMap((signal) => {
    const value = known(own.get(signal) ?? guide[signal] ?? [], shares.has(signal) ? 1 : undefined);
    return value === undefined ? [] : [[signal, value] as const];
  });
  const countsLookUps = !own.has('cacheRequests');
  const figures = {
    signals: Object.fromEntries(signals),
    successRatio: own.has('errors') ? undefined : known(['/metrics/success_rate'], 1),
    lookUps: {
      hits: countsLookUps ? known(['/statistics/hits']) : undefined,
      misses: countsLookUps ? known(['/statistics/misses']) : undefined,
    },
    hitRatios: {
      redis: told(['/statistics/redis_hit_ratio'], 1),
      workload: told(['/statistics/workload_hit_ratio'], 1),
    },
  };
  return wrong[0] === undefined ? figures : { wrong: wrong[0] };
}

/** RFC 6901. Members of the document alone: nothing of what every object inherits. */
function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** The end of a name says its unit, as in the guide's own. */
function inBaseUnit(value: number, pointer: string): number {
  if (pointer.endsWith('_mb')) return value * 2 ** 20;
  if (pointer.endsWith('_percent')) return value / 100;
  return pointer.endsWith('_ms') ? value / 1_000 : value;
}
