import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { events } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import { explanationOf, type Explanation, type SeenEvent } from './explanation.ts';
import { objectiveRows } from './objective-rows.ts';
import { table } from './table.ts';

export const explain = command({
  summary: 'say why each last decision was what it was, and what stands in the way',
  usage: 'NAME [-n NAMESPACE]',
  examples: ['genops explain generation -n ai', 'genops explain generation -n ai -o json'],
  options: { ...clusterOptions, output: { type: 'string', short: 'o', default: 'text' } },
  help: { ...clusterHelp, output: 'text or json' },
  async run({ values, positionals, out, signal }) {
    const output = oneOf('output', values.output, ['text', 'json']);
    const { kube: client, key } = await connectFor(positionals, values, 'genops explain generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    const explanation = explanationOf(service, await eventsOf(kube, service, signal));
    out.write(
      output === 'json' ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation, Date.now()),
    );
    return exit.yes;
  },
});

export const why = { ...explain, summary: 'the same as explain', examples: ['genops why generation -n ai'] };

/** The Events of a service; undefined: they may not be read. */
export async function eventsOf(
  kube: Kube,
  { metadata: { namespace, uid } }: KubeObject,
  signal: AbortSignal,
): Promise<readonly SeenEvent[] | undefined> {
  try {
    return await kube.list(
      resource<SeenEvent & KubeObject>(events),
      { namespace, fieldSelector: `regarding.uid=${uid}` },
      signal,
    );
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

/** The explanation as a page for people. `now` in ms since the epoch. */
export function explanationText(explanation: Explanation, now: number): string {
  const { service, mode, policy, ready, components, objectivesNotMet, conditions, events: told } = explanation;
  const stands =
    ready === undefined ? 'not looked at yet' : `${ready.status === 'True' ? 'Ready' : 'not Ready'} (${ready.reason})`;
  const sections = [
    `${service}   ${stands}   mode ${mode}   policy ${policy}\n`,
    ...components.map((component) => section(component.name, componentRows(component, now))),
    section(
      'Objectives not met',
      objectiveRows(objectivesNotMet).map((row, index) => [...row, since(objectivesNotMet[index]?.since, now)]),
    ),
    section(
      'Conditions that tell of something amiss',
      conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
        type,
        status,
        reason,
        since(lastTransitionTime, now),
        message,
      ]),
    ),
    section(
      'Events, newest first',
      (told ?? []).map(({ time, type, reason, note, count }) => [
        ago(time, now),
        type,
        `${reason}${count > 1 ? ` ×${count}` : ''}`,
        note,
      ]),
    ),
    section(
      'Not recorded',
      explanation.notRecorded.map((text) => [text]),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function componentRows(
  { replicas, bounds, decision }: Explanation['components'][number],
  now: number,
): readonly (readonly string[])[] {
  const { current, floor, min, max } = replicas ?? {};
  const next = decision?.nextEligibleTime;
  return [
    ...(replicas === null
      ? []
      : [['replicas', `${current ?? 'unknown'} now, floor ${floor ?? 'unknown'}, ${min ?? '?'} to ${max ?? '?'}`]]),
    ['bounds', bounds],
    ...(decision === null
      ? [['decision', 'none that changed something is recorded']]
      : [
          [
            'decision',
            `${decision.action ?? '?'} ${decision.from ?? '?'} → ${decision.to ?? '?'}, ${ago(decision.time, now)} (${decision.time ?? 'time not recorded'})`,
          ],
          ['reason', `${decision.reason ?? 'not recorded'}: ${decision.message ?? 'not recorded'}`],
        ]),
    ...(next === undefined ? [] : [['next', nextText(next, now)]]),
  ];
}

const nextText = (time: string, now: number): string =>
  Date.parse(time) <= now ? 'may come at any time' : `not before ${time}, in ${ageText(Date.parse(time) - now)}`;

const section = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : `${title}\n${table(rows, '  ')}`;

const ago = (time: string | null | undefined, now: number): string =>
  time === null || time === undefined ? 'time not recorded' : `${ageText(now - Date.parse(time))} ago`;
const since = (time: string | undefined, now: number): string =>
  time === undefined ? '' : `for ${ageText(now - Date.parse(time))}`;

const units = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'm' },
] as const;

/** `45s`, `12m`, `3h`, `2d`: of two units or more the larger. */
export function ageText(ms: number): string {
  const unit = units.find((one) => ms >= 2 * one.ms);
  return unit === undefined ? `${Math.max(0, Math.round(ms / 1_000))}s` : `${Math.floor(ms / unit.ms)}${unit.name}`;
}
