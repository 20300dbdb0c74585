/** A point of a picture, in its own units: x to the right, y downwards. */
export type Point = readonly [x: number, y: number];

export type Attributes = Readonly<Record<string, string | number>>;

/** An element; children are elements already, words go through `text`. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(shorten(value))}"`);
  return `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

export function text([x, y]: Point, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(words));
}

export function segment([x1, y1]: Point, [x2, y2]: Point, attributes: Attributes): string {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

/** The `d` of a path through the points. */
export function through(points: readonly Point[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${shorten(x)} ${shorten(y)}`).join('');
}

/** Each value holds until the next: what a count does between two looks. */
export function stepped(points: readonly Point[]): readonly Point[] {
  return points.flatMap(([x, y], index) => {
    const before = points[index - 1];
    return before === undefined ? [[x, y] as const] : [[x, before[1]] as const, [x, y] as const];
  });
}

/** The `d` of the area between the points and a base line. */
export function area(points: readonly Point[], base: number): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return '';
  return `${through([[first[0], base], ...points, [last[0], base]])}Z`;
}

const shorten = (value: string | number): string =>
  typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (words: string): string => words.replaceAll(/[&<>"]/g, (character) => entities[character] ?? '');
