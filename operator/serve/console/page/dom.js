/**
 * An element with attributes and children. What is said comes in as text only: nothing that somebody wrote is ever read as HTML.
 *
 * @param {string} name
 * @param {Record<string, string | boolean | undefined>} [attributes]
 * @param {...(Node | string | undefined)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** The element of index.html with this id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Sets text only where it differs: a reader of screens is told what changed, and nothing else. */
export function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

const unknown = '–';

/** A figure with three digits that count, or a dash where it is not known. */
export function figure(value, unit = '') {
  if (value === null || value === undefined) return unknown;
  const text = value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 21 : 3 });
  return unit === '' ? text : `${text} ${unit}`;
}

/** Seconds as people say them. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return unknown;
  return seconds < 1 ? figure(seconds * 1000, 'ms') : figure(seconds, 's');
}

export const percent = (ratio) => (ratio === null || ratio === undefined ? unknown : `${figure(ratio * 100)} %`);
export const text = (value) => (value === null || value === undefined || value === '' ? unknown : String(value));

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const timeOfDay = (at) => clock.format(new Date(at));
/** Of an axis: with seconds, where the next would else say the same. */
export const timeLabels = (times, stepMs) => times.map((at) => timeOfDay(at).slice(0, stepMs < 60_000 ? 8 : 5));

/** How long ago, in the largest unit that fits: `3 h`. */
export function age(seconds) {
  const [size, unit] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ].find(([least]) => seconds >= least) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** A word with a mark before it: what a colour says is said without it too. */
export function badge(state, word) {
  const marks = { good: '✓', bad: '✕', unknown: '?' };
  return element(
    'span',
    { class: `badge ${state}` },
    element('span', { 'aria-hidden': 'true' }, marks[state]),
    ` ${word}`,
  );
}

/** Good, bad or unknown, of a condition's status. */
export const stateOf = (status) => ({ True: 'good', False: 'bad' })[status] ?? 'unknown';

/** A table with headings. @param {string[]} headings @param {(Node | string)[][]} rows The first of each is what the row is about. */
export function table(caption, headings, rows) {
  const head = element('tr', {}, ...headings.map((heading) => element('th', { scope: 'col' }, heading)));
  const body = rows.map(([first, ...rest]) =>
    element('tr', {}, element('th', { scope: 'row' }, first), ...rest.map((cell) => element('td', {}, cell))),
  );
  const made = element(
    'table',
    {},
    element('caption', {}, caption),
    element('thead', {}, head),
    element('tbody', {}, ...body),
  );
  return element('div', { class: 'scrolls', tabindex: '0', role: 'region', 'aria-label': caption }, made);
}
