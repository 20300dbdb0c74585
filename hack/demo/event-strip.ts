import { sheet, widthOf } from './panel.ts';
import type { Mark } from './record.ts';
import type { Scale } from './scale.ts';
import { element, segment, text } from './svg.ts';

const colourOf: Readonly<Record<Mark['kind'], string>> = { Scaled: '#0f766e', Edited: '#dc2626', Repaired: '#16a34a' };
const rowHeight = 22;
const gap = 8;
const fontSize = 12;

/** What happened when: a label for each mark, and a line down through all panels. Labels that would touch go to rows of their own. */
export function eventStrip(
  marks: readonly Mark[],
  { x, top, bottom }: { readonly x: Scale; readonly top: number; readonly bottom: number },
): string {
  return placed(marks, x)
    .map(({ mark, left, width, row }) => {
      const [colour, y] = [colourOf[mark.kind], top + row * rowHeight];
      const at = x(mark.second);
      return [
        segment([at, y + 18], [at, bottom], { stroke: colour, 'stroke-opacity': 0.45, 'stroke-dasharray': '2 3' }),
        element('rect', { x: left, y, width, height: 18, rx: 9, fill: '#ffffff', stroke: colour }),
        text([left + width / 2, y + 13], mark.text, { 'text-anchor': 'middle', 'font-size': fontSize, fill: colour }),
      ].join('');
    })
    .join('');
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
