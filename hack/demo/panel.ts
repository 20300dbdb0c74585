import { scale, ticks, type Scale } from './scale.ts';
import { element, segment, text } from './svg.ts';

/** Where things stand in the picture, and its colours. */
export const sheet = {
  width: 1200,
  height: 900,
  left: 84,
  right: 1172,
  ink: '#1f2937',
  faint: '#6b7280',
  grid: '#e5e7eb',
} as const;

export interface PanelOptions {
  readonly title: string;
  /** Of the values, as `requests/s`. */
  readonly unit: string;
  readonly top: number;
  readonly height: number;
  readonly most: number;
  readonly legend: readonly LegendEntry[];
}

export interface LegendEntry {
  readonly words: string;
  readonly colour: string;
  readonly kind: 'line' | 'dashed' | 'area';
}

export interface Panel {
  readonly y: Scale;
  readonly base: number;
  /** Grid, values, title and legend; what is measured goes on top of it. */
  readonly frame: string;
}

export function panel({ title, unit, top, height, most, legend }: PanelOptions): Panel {
  const values = ticks(most, 4);
  const base = top + height;
  const y = scale([0, values.at(-1) ?? 1], [base, top]);
  const lines = values.map((value) =>
    [
      segment([sheet.left, y(value)], [sheet.right, y(value)], { stroke: value === 0 ? '#9ca3af' : sheet.grid }),
      text([sheet.left - 10, y(value) + 4], String(value), {
        'text-anchor': 'end',
        'font-size': 12,
        fill: sheet.faint,
      }),
    ].join(''),
  );
  const heading = [
    text([sheet.left, top - 14], title, { 'font-size': 15, 'font-weight': 600, fill: sheet.ink }),
    element(
      'text',
      {
        transform: `translate(26 ${top + height / 2}) rotate(-90)`,
        'text-anchor': 'middle',
        'font-size': 12,
        fill: sheet.faint,
      },
      unit,
    ),
  ];
  return { y, base, frame: [...lines, ...heading, legendOf(legend, top - 14)].join('') };
}

/** From the right edge to the left. No font is measured here: letters count as so many units each. */
function legendOf(entries: readonly LegendEntry[], baseline: number): string {
  let right: number = sheet.right;
  return entries
    .toReversed()
    .map(({ words, colour, kind }) => {
      const at = right - widthOf(words, 12);
      right = at - 58;
      const sign =
        kind === 'area'
          ? element('rect', {
              x: at - 30,
              y: baseline - 10,
              width: 22,
              height: 11,
              fill: colour,
              'fill-opacity': 0.25,
              stroke: colour,
            })
          : segment([at - 30, baseline - 4], [at - 8, baseline - 4], {
              stroke: colour,
              'stroke-width': 2.5,
              ...(kind === 'dashed' ? { 'stroke-dasharray': '5 4' } : {}),
            });
      return sign + text([at, baseline], words, { 'font-size': 12, fill: sheet.ink });
    })
    .join('');
}

/** About as wide as Inter writes it. */
export const widthOf = (words: string, size: number): number => words.length * size * 0.54;
