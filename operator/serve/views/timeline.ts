import type { GenerationService } from '../../api/generation-service.ts';

/** Something that happened to a service, to be marked on its charts. */
export interface TimelineEntry {
  /** ms since the epoch. */
  readonly at: number;
  readonly kind: 'decision' | 'condition' | 'spec' | 'bounds';
  /** Empty: the service as a whole. */
  readonly component: string;
  readonly text: string;
}

/** Bounds of a component's replicas, as its autoscaler had them from `at` on. Both undefined: there is no autoscaler any more. */
export interface Bounds {
  readonly at: number;
  readonly floor: number | undefined;
  readonly max: number | undefined;
}

/** The last changes of each service: its own memory, since status keeps the newest only. Begins with the process. */
export interface Timeline {
  /** From the cache's events, of which the first for a service says how it is found. */
  note(change: { readonly before?: GenerationService; readonly after?: GenerationService }, now: number): void;
  noteBounds(service: string, component: string, bounds: Bounds): void;
  /** Oldest first, as those below. */
  changesOf(service: string, since: number): readonly TimelineEntry[];
  boundsOf(service: string, component: string): readonly Bounds[];
}

const keptEntries = 100;
/** A message may be long; a mark on a chart is not. */
const longestText = 300;

export function createTimeline(): Timeline {
  const entries = new Map<string, readonly TimelineEntry[]>();
  const bounds = new Map<string, Map<string, readonly Bounds[]>>();
  const add = (key: string, fresh: readonly TimelineEntry[]): void => {
    const short = fresh.map((entry) => ({ ...entry, text: entry.text.slice(0, longestText) }));
    if (short.length === 0) return;
    const all = [...(entries.get(key) ?? []), ...short].toSorted((a, b) => a.at - b.at); // some are seen later than they happened
    entries.set(key, all.slice(-keptEntries));
  };
  return {
    note({ before, after }, now) {
      const service = after ?? before;
      if (service === undefined) return;
      const key = keyOf(service);
      if (after === undefined || (before !== undefined && before.metadata.uid !== after.metadata.uid)) {
        entries.delete(key);
        bounds.delete(key);
      }
      if (after === undefined) return;
      add(key, changesBetween(before?.metadata.uid === after.metadata.uid ? before : undefined, after, now));
    },
    noteBounds(key, component, next) {
      const known = bounds.get(key) ?? new Map<string, readonly Bounds[]>();
      bounds.set(key, known);
      const all = known.get(component) ?? [];
      const last = all.at(-1);
      if (last?.floor === next.floor && last?.max === next.max) return;
      known.set(component, [...all, next].slice(-keptEntries));
      if (last === undefined) return;
      const text = `replicas ${rangeOf(last)} → ${rangeOf(next)}`;
      add(key, [{ at: next.at, kind: 'bounds', component, text }]);
    },
    changesOf: (key, since) => (entries.get(key) ?? []).filter(({ at }) => at > since),
    boundsOf: (key, component) => bounds.get(key)?.get(component) ?? [],
  };
}

const rangeOf = ({ floor, max }: Bounds): string =>
  floor === undefined && max === undefined ? 'without an autoscaler' : `${floor ?? '?'}–${max ?? '?'}`;

const keyOf = ({ metadata: { namespace, name } }: GenerationService): string => `${namespace}/${name}`;

/** What is new in `after`. Times are the object's own where it has them. */
function changesBetween(
  before: GenerationService | undefined,
  after: GenerationService,
  now: number,
): readonly TimelineEntry[] {
  const isOther = before !== undefined && before.metadata.generation !== after.metadata.generation;
  const spec: readonly TimelineEntry[] = isOther
    ? [{ at: now, kind: 'spec', component: '', text: `spec changed (generation ${after.metadata.generation})` }]
    : [];
  return [...spec, ...newDecisions(before, after), ...newConditions(before, after)];
}

function newDecisions(before: GenerationService | undefined, after: GenerationService): readonly TimelineEntry[] {
  const seen = new Map(before?.status?.components?.map(({ name, decision }) => [name, decision?.time]));
  return (after.status?.components ?? []).flatMap(({ name, decision }): readonly TimelineEntry[] => {
    const at = Date.parse(decision?.time ?? '');
    if (decision === undefined || Number.isNaN(at) || seen.get(name) === decision.time) return [];
    const { action = '', from = '?', to = '?', reason = '', message = '' } = decision;
    return [{ at, kind: 'decision', component: name, text: `${action} ${from} → ${to} (${reason}): ${message}` }];
  });
}

function newConditions(before: GenerationService | undefined, after: GenerationService): readonly TimelineEntry[] {
  const seen = new Map(before?.status?.conditions?.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  return (after.status?.conditions ?? []).flatMap(
    ({ type, status, reason, lastTransitionTime }): readonly TimelineEntry[] => {
      const at = Date.parse(lastTransitionTime);
      if (Number.isNaN(at) || seen.get(type) === lastTransitionTime) return [];
      return [{ at, kind: 'condition', component: '', text: `${type} is ${status} (${reason})` }];
    },
  );
}
