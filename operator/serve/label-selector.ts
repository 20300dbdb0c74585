type Labels = Readonly<Record<string, string>>;
export type LabelSelector = (labels: Labels) => boolean;

const name = '[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?';
const value = '(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?';
const requirement = new RegExp(
  `^\\s*(?:(!)\\s*(${name})|(${name})(?:\\s*(==|=|!=)\\s*(${value})|\\s+(in|notin)\\s*\\(([^()]*)\\))?)\\s*$`,
);
const listed = new RegExp(`^${value}$`);

/**
 * A label selector as `kubectl -l` and the HPA write it: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
 *
 * @throws {RangeError} when it is none.
 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text.trim() === '') return () => true;
  const requirements = text.split(/,(?![^()]*\))/).map(parseRequirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

function parseRequirement(text: string): LabelSelector {
  const [matched, not, absent, present, operator, single, set, list] = requirement.exec(text) ?? [];
  if (matched === undefined)
    throw new RangeError(`saw ${JSON.stringify(text)}; wanted a label requirement, for example app=generation`);
  if (not !== undefined && absent !== undefined) return (labels) => valueOf(labels, absent) === undefined;
  const key = present ?? '';
  if (set !== undefined) {
    const values = (list ?? '').split(',').map((item) => item.trim());
    if (!values.every((item) => listed.test(item)))
      throw new RangeError(`saw ${JSON.stringify(text)}; wanted label values, for example (a, b)`);
    const isIn = (labels: Labels): boolean => values.includes(valueOf(labels, key) ?? none);
    return set === 'in' ? isIn : (labels) => !isIn(labels);
  }
  if (operator === undefined) return (labels) => valueOf(labels, key) !== undefined;
  return operator === '!=' ? (labels) => valueOf(labels, key) !== single : (labels) => valueOf(labels, key) === single;
}

/** No value of a label looks like this. */
const none = '\0';
const valueOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;
