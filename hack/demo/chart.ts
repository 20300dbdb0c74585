import { latency } from './account.ts';
import { eventStrip } from './event-strip.ts';
import { panel, sheet, type Panel } from './panel.ts';
import type { Recording, Sample } from './record.ts';
import { scale, smoothed, ticks, type Scale } from './scale.ts';
import { area, element, segment, stepped, text, through, type Point } from './svg.ts';
import { perPodTarget } from './story.ts';

const colours = {
  load: '#2563eb',
  capacity: '#64748b',
  replicas: '#0d9488',
  wanted: '#134e4a',
  floor: '#ea580c',
  latency: '#7c3aed',
};
const places = {
  load: { top: 176, height: 170 },
  replicas: { top: 416, height: 170 },
  latency: { top: 656, height: 170 },
};

/** Load, replicas with their floor, and p95 over the seconds of a demo, as an SVG that needs no style sheet. */
export function chart({ samples, marks }: Recording, { allHold }: { readonly allHold: boolean }): string {
  const lastSecond = Math.max(samples.at(-1)?.second ?? 0, 1);
  const x = scale([0, lastSecond], [sheet.left, sheet.right]);
  const panels = [loadPanel(samples, x), replicasPanel(samples, x), latencyPanel(samples, x)];
  const edits = marks.filter(({ kind }) => kind !== 'Scaled'); // the replicas' own panel shows those
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${sheet.width} ${sheet.height}`,
      width: sheet.width,
      height: sheet.height,
      'font-family': "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
    },
    element('title', {}, 'Load, replicas and latency of one demo'),
    element('rect', { width: sheet.width, height: sheet.height, fill: '#ffffff' }),
    ...heading(allHold),
    eventStrip(edits, { x, top: 92, bottom: places.latency.top + places.latency.height }),
    ...panels,
    timeAxis(lastSecond, x),
  );
}

function heading(allHold: boolean): readonly string[] {
  const words = allHold
    ? 'A Deployment under the Kubernetes HPA, scaled on requests per second by genops; its Redis changed by hand and repaired meanwhile'
    : 'Not everything that the demo claims happened in this run; its account says what did not';
  return [
    text([sheet.left, 40], 'Load, replicas and latency', { 'font-size': 24, 'font-weight': 600, fill: sheet.ink }),
    text([sheet.left, 66], words, { 'font-size': 14, fill: allHold ? sheet.faint : '#b91c1c' }),
  ];
}

function loadPanel(samples: readonly Sample[], x: Scale): string {
  const capacity = (sample: Sample): number => sample.snapshot.replicas.ready * perPodTarget;
  const most = Math.max(1, ...samples.map((sample) => Math.max(sample.sent, capacity(sample))));
  const legend = [
    { words: 'sent', colour: colours.load, kind: 'area' },
    { words: `what the ready Pods are meant for, ${perPodTarget}/s each`, colour: colours.capacity, kind: 'dashed' },
  ] as const;
  const { y, base, frame } = panel({ title: 'Load', unit: 'requests/s', ...places.load, most, legend });
  const sent = curve(samples, x, y, ({ sent: count }) => count);
  return [
    frame,
    filled(sent, base, colours.load),
    line(sent, colours.load),
    line(stepped(curve(samples, x, y, capacity)), colours.capacity, { 'stroke-dasharray': '5 4', 'stroke-width': 1.5 }),
  ].join('');
}

function replicasPanel(samples: readonly Sample[], x: Scale): string {
  const most = Math.max(1, ...samples.map(({ snapshot: { replicas } }) => Math.max(replicas.ready, replicas.desired)));
  const legend = [
    { words: 'ready', colour: colours.replicas, kind: 'area' },
    { words: 'wanted by the HPA', colour: colours.wanted, kind: 'line' },
    { words: 'floor (minReplicas)', colour: colours.floor, kind: 'dashed' },
  ] as const;
  const { y, base, frame } = panel({ title: 'Replicas', unit: 'Pods', ...places.replicas, most, legend });
  const ready = stepped(curve(samples, x, y, ({ snapshot }) => snapshot.replicas.ready));
  const wanted = stepped(curve(samples, x, y, ({ snapshot }) => snapshot.replicas.desired));
  const floor = stepped(curve(samples, x, y, ({ snapshot }) => snapshot.autoscaler?.floor));
  return [
    frame,
    filled(ready, base, colours.replicas),
    line(wanted, colours.wanted),
    ...counts(samples, x, y),
    line(floor, colours.floor, { 'stroke-dasharray': '5 4' }),
  ].join('');
}

/** The number beside each step. */
function counts(samples: readonly Sample[], x: Scale, y: Scale): readonly string[] {
  const wanted = samples.map(({ snapshot }) => snapshot.replicas.desired);
  return samples.flatMap(({ second }, index) => {
    const count = wanted[index] ?? 0;
    if (count === wanted[index - 1]) return [];
    return [
      text([x(second) + 6, y(count) - 7], String(count), { 'font-size': 12, 'font-weight': 600, fill: colours.wanted }),
    ];
  });
}

function latencyPanel(samples: readonly Sample[], x: Scale): string {
  const mostMs = Math.max(1, ...samples.map(({ p95Ms }) => p95Ms ?? 0));
  const [unit, perUnit] = mostMs < 1000 ? (['ms', 1] as const) : (['s', 1000] as const); // as latency() has it
  const p95 = samples.map(({ p95Ms }) => (p95Ms === null ? null : p95Ms / perUnit));
  const steady = smoothed(p95, 2);
  const legend = [
    { words: 'each second', colour: '#c4b5fd', kind: 'line' },
    { words: 'median of five seconds', colour: colours.latency, kind: 'line' },
  ] as const;
  const most = mostMs / perUnit;
  const { y, frame }: Panel = panel({ title: 'Latency, 95th percentile', unit, ...places.latency, most, legend });
  return [
    frame,
    line(
      curve(samples, x, y, (_, index) => p95[index] ?? undefined),
      '#c4b5fd',
      { 'stroke-width': 1.2 },
    ),
    line(
      curve(samples, x, y, (_, index) => steady[index] ?? undefined),
      colours.latency,
    ),
    peak(steady, samples, { x, y, perUnit }),
  ].join('');
}

/** The value of the peak, beside it. */
function peak(
  steady: readonly (number | null)[],
  samples: readonly Sample[],
  { x, y, perUnit }: { readonly x: Scale; readonly y: Scale; readonly perUnit: number },
): string {
  const highest = Math.max(...steady.map((value) => value ?? 0));
  const second = samples[steady.indexOf(highest)]?.second;
  if (second === undefined) return '';
  const attributes = { 'text-anchor': 'end', 'font-size': 12, 'font-weight': 600, fill: colours.latency };
  return text([x(second) - 8, y(highest) + 4], latency(highest * perUnit), attributes);
}

function timeAxis(lastSecond: number, x: Scale): string {
  const base = places.latency.top + places.latency.height;
  const labels = ticks(lastSecond, 10)
    .filter((second) => second <= lastSecond)
    .map((second) => [
      segment([x(second), base], [x(second), base + 5], { stroke: '#9ca3af' }),
      text([x(second), base + 20], String(second), { 'text-anchor': 'middle', 'font-size': 12, fill: sheet.faint }),
    ]);
  const middle = (sheet.left + sheet.right) / 2;
  const words = text([middle, base + 44], 'seconds of load', {
    'text-anchor': 'middle',
    'font-size': 12,
    fill: sheet.faint,
  });
  return [...labels.flat(), words].join('');
}

function curve(
  samples: readonly Sample[],
  x: Scale,
  y: Scale,
  value: (sample: Sample, index: number) => number | undefined,
): readonly Point[] {
  return samples.flatMap((sample, index) => {
    const measured = value(sample, index);
    return measured === undefined ? [] : [[x(sample.second), y(measured)] as const];
  });
}

const line = (points: readonly Point[], stroke: string, more: Readonly<Record<string, string | number>> = {}): string =>
  element('path', {
    d: through(points),
    fill: 'none',
    stroke,
    'stroke-width': 2.2,
    'stroke-linejoin': 'round',
    ...more,
  });
const filled = (points: readonly Point[], base: number, fill: string): string =>
  element('path', { d: area(points, base), fill, 'fill-opacity': 0.16 });
