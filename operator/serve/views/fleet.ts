import { Type, type Static } from 'typebox';
import type { GenerationService } from '../../api/generation-service.ts';
import { rfc3339 } from '../../api/rfc3339.ts';
import { figure, textOrNull, time, view } from './figures.ts';

const FleetEntry = view('One service in a line.', {
  namespace: Type.String({ description: 'Namespace.' }),
  name: Type.String({ description: 'Name.' }),
  mode: Type.String({ description: 'Enforce, DryRun or Paused.' }),
  ready: Type.Enum(['True', 'False', 'Unknown'], { type: 'string', description: 'The condition Ready.' }),
  reason: textOrNull('Its reason.'),
  metrics: textOrNull('Reason of the condition MetricsAvailable: Fresh, NoPods, …'),
  objectivesMet: textOrNull('For example 5/6.'),
  grade: textOrNull('Excellent, Good, Fair, Poor or Unknown.'),
  gradeSummary: textOrNull('The grade, and of how many of its four parts where not all are known: Excellent 2/4.'),
  replicas: figure('Of all components.'),
  clamped: Type.Array(Type.String(), {
    description: 'What is held by a bound that is not the policy’s: `component: bound`.',
  }),
  created: time('When it was made.'),
  ageSeconds: Type.Number({ description: 'How long ago that was.' }),
});

export const Fleet = view('Every service, by namespace and name.', {
  observedAt: time('When this was answered.'),
  services: Type.Array(FleetEntry, { description: 'Of the namespaces that were asked for.' }),
});
export type Fleet = Static<typeof Fleet>;

export function fleet(
  services: readonly GenerationService[],
  { replicasOf, now }: { readonly replicasOf: (service: GenerationService) => number | null; readonly now: number },
): Fleet {
  const entries = services.map((service) => ({ ...entryOf(service, now), replicas: replicasOf(service) }));
  return {
    observedAt: rfc3339(now),
    services: entries.toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1)),
  };
}

function entryOf({ metadata, spec, status = {} }: GenerationService, now: number) {
  const condition = (type: string) => status.conditions?.find((one) => one.type === type);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    mode: status.mode ?? spec.mode,
    ready: condition('Ready')?.status ?? ('Unknown' as const),
    reason: condition('Ready')?.reason ?? null,
    metrics: condition('MetricsAvailable')?.reason ?? null,
    objectivesMet: status.objectivesMet ?? null,
    grade: status.rating?.grade ?? null,
    gradeSummary: status.rating?.summary ?? status.rating?.grade ?? null,
    clamped: (status.components ?? []).flatMap(({ name, replicas }) =>
      replicas?.boundBy === undefined ? [] : [`${name}: ${replicas.boundBy}`],
    ),
    created: metadata.creationTimestamp,
    ageSeconds: Math.max(0, Math.floor((now - Date.parse(metadata.creationTimestamp)) / 1_000)),
  };
}
