import { windowSeconds, type Outcome } from './outcome.ts';
import type { Service } from './service.ts';
import { lengthSeconds, type Trace } from './trace.ts';

export interface PictureInput {
  readonly title: string;
  readonly trace: Trace;
  readonly service: Service;
  readonly runs: readonly { readonly name: string; readonly outcome: Outcome }[];
}

const width = 960;
const left = 48;
const columns = width - left - 16;
/** Top and height of both panels. */
const replicas = { top: 48, height: 220 };
const late = { top: 308, height: 100 };
const height = 476;
/** Told apart by those who see fewer colours too (Okabe and Ito). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** How a trace went, as SVG: the load with the replicas of each autoscaler, and below it the share of requests over the objective. */
export function pictureOf(input: PictureInput): string {
  const { title, service, runs } = input;
  const seconds = lengthSeconds(input.trace);
  const most = Math.max(service.maxReplicas, 1);
  const legend = runs.map(({ name, outcome }, index) => {
    const text = `${name}: ${(100 * outcome.overRatio).toFixed(2)} % over, ${outcome.replicaHours.toFixed(1)} replica-hours`;
    return `<text x="${left + (index % 3) * 300}" y="${height - 28 + 16 * Math.floor(index / 3)}" fill="${colourOf(index)}">${escape(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="22" font-size="15" font-weight="bold">${escape(title)}</text>`,
    `<text x="${left}" y="40" fill="#555">replicas; grey: replicas that the load keeps busy</text>`,
    `<path d="${loadPath(input, most)}" fill="#ddd"/>`,
    ...frame(replicas, String(most), seconds),
    ...runs.map(({ outcome }, index) => line(stepPath(outcome, seconds, most), index)),
    `<text x="${left}" y="${late.top - 8}" fill="#555">share of requests over the objective, by 5 minutes</text>`,
    ...frame(late, '100 %', seconds),
    ...runs.map(({ outcome }, index) => line(latePath(outcome, seconds), index)),
    ...legend,
    '</svg>',
    '',
  ].join('\n');
}

const colourOf = (index: number): string => colours[index % colours.length] ?? '#000';
const line = (path: string, index: number): string =>
  `<path d="${path}" fill="none" stroke="${colourOf(index)}" stroke-width="1.2"/>`;
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
type Panel = { readonly top: number; readonly height: number };
const y = ({ top, height: tall }: Panel, share: number): string => (top + tall * (1 - Math.min(1, share))).toFixed(1);

function frame(panel: Panel, most: string, seconds: number): readonly string[] {
  const bottom = panel.top + panel.height;
  const [unit, name] = seconds > 2 * 86_400 ? [86_400, 'd'] : seconds > 7_200 ? [3_600, 'h'] : [60, 'min'];
  const every = Math.max(1, Math.ceil(seconds / unit / 12));
  const marks = Array.from({ length: Math.floor(seconds / unit / every) + 1 }, (_, index) => index * every);
  return [
    `<path d="M${left} ${panel.top}V${bottom}H${left + columns}" fill="none" stroke="#999"/>`,
    `<text x="${left - 6}" y="${panel.top + 4}" text-anchor="end">${most}</text>`,
    `<text x="${left - 6}" y="${bottom}" text-anchor="end">0</text>`,
    ...marks.map(
      (mark) =>
        `<text x="${left + (columns * mark * unit) / seconds}" y="${bottom + 14}" text-anchor="middle">${mark} ${name}</text>`,
    ),
  ];
}

/** The greatest load of each column of the picture: a mean would hide what matters. */
function loadPath({ trace: { counts, stepSeconds }, service }: PictureInput, most: number): string {
  const steps = Math.max(1, Math.round(60 / stepSeconds));
  const perReplica = (steps * stepSeconds * service.slots) / service.serviceSeconds;
  const tops = new Float64Array(columns + 1);
  for (let first = 0; first < counts.length; first += steps) {
    const arrived = counts.subarray(first, first + steps).reduce((sum, count) => sum + count, 0);
    raise(tops, first / counts.length, (first + steps) / counts.length, arrived / perReplica);
  }
  const points = Array.from(tops, (top, column) => `L${left + column} ${y(replicas, top / most)}`);
  return `M${left} ${y(replicas, 0)}${points.join('')}L${left + columns} ${y(replicas, 0)}Z`;
}

/** Raises the columns from one share of the whole to another to `top`: the greatest of each shows. */
function raise(tops: Float64Array, from: number, to: number, top: number): void {
  const last = Math.min(columns, Math.ceil(columns * to) - 1);
  for (let column = Math.floor(columns * from); column <= last; column++)
    tops[column] = Math.max(tops[column] ?? 0, top);
}

/** What was asked for. Where a column holds several changes, the least and the greatest of them. */
function stepPath({ decisions }: Outcome, seconds: number, most: number): string {
  let path = '';
  let [column, low, high, last] = [-1, 0, 0, 0];
  const flush = (): void => {
    if (column >= 0)
      path += `L${left + column} ${y(replicas, low / most)}V${y(replicas, high / most)}V${y(replicas, last / most)}`;
  };
  for (const [at, count] of decisions) {
    const next = Math.floor((columns * at) / seconds);
    if (next !== column) {
      flush();
      path += column === -1 ? `M${left} ${y(replicas, count / most)}` : `H${left + next}`;
      [column, low, high] = [next, last || count, last || count];
    }
    [low, high, last] = [Math.min(low, count), Math.max(high, count), count];
  }
  flush();
  return `${path}H${left + columns}`;
}

function latePath({ lateRatios }: Outcome, seconds: number): string {
  const tops = new Float64Array(columns + 1);
  for (const [window, share] of lateRatios.entries())
    raise(tops, (window * windowSeconds) / seconds, ((window + 1) * windowSeconds) / seconds, share);
  return Array.from(tops, (top, column) => `${column === 0 ? 'M' : 'L'}${left + column} ${y(late, top)}`).join('');
}
