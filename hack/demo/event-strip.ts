import { sheet, widthOf } from './panel.ts';
import type { Mark } from './record.ts';
import type { Scale } from './scale.ts';
import { element, segment, text } from './svg.ts';

const colourOf: Readonly<Record<Mark['kind'], string>> = {
  Scaled: '#0f766e',
  Edited: '#b91c1c',
  Repaired: '#15803d',
  Acted: '#7c3aed',
};
const rowHeight = 24;
const gap = 8;
const fontSize = 12;

export interface StripPlace {
  readonly x: Scale;
  readonly top: number;
  readonly bottom: number;
}

/** What happened when: a label for each mark and a line down through all panels. From an edit to its repair the time is shaded. */
export function eventStrip(marks: readonly Mark[], { x, top, bottom }: StripPlace): string {
  const labels = placed(marks, x).map(({ mark, left, width, row }) => {
    const [colour, y] = [colourOf[mark.kind], top + row * rowHeight];
    const at = x(mark.second);
    return [
      segment([at, y + 19], [at, bottom], { stroke: colour, 'stroke-opacity': 0.5, 'stroke-dasharray': '3 3' }),
      element('rect', { x: left, y, width, height: 20, rx: 10, fill: '#ffffff', stroke: colour }),
      text([left + width / 2, y + 14], mark.text, { 'text-anchor': 'middle', 'font-size': fontSize, fill: colour }),
    ].join('');
  });
  return [...shades(marks, { x, top: top + rowHeight, bottom }), ...labels].join('');
}

function shades(marks: readonly Mark[], { x, top, bottom }: StripPlace): readonly string[] {
  return marks
    .filter(({ kind }) => kind === 'Edited')
    .map(({ second }) => {
      const repair = marks.find((mark) => mark.kind === 'Repaired' && mark.second > second);
      const right = repair === undefined ? sheet.right : x(repair.second);
      const place = { x: x(second), y: top, width: right - x(second), height: bottom - top };
      return element('rect', { ...place, fill: '#dc2626', 'fill-opacity': 0.06 });
    });
}

export interface PlacedMark {
  readonly mark: Mark;
  readonly left: number;
  readonly width: number;
  /** 0 is the upper one. */
  readonly row: number;
}

/** Each label over its second, in the first row that has room for it, never over an edge. */
export function placed(marks: readonly Mark[], x: Scale): readonly PlacedMark[] {
  const rowEnds: number[] = [];
  return marks.map((mark) => {
    const width = widthOf(mark.text, fontSize) + 20;
    const left = Math.min(Math.max(x(mark.second) - width / 2, sheet.left), sheet.right - width);
    const free = rowEnds.findIndex((end) => end + gap <= left);
    const row = free === -1 ? rowEnds.length : free;
    rowEnds[row] = left + width;
    return { mark, left, width, row };
  });
}
