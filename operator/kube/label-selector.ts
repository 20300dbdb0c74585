/** metav1.LabelSelector, as it stands in objects. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Of In and NotIn; else empty. */
  readonly values: readonly string[];
}

/** All must hold. Plain data, in the order in which it was written. */
export type Selector = readonly LabelRequirement[];

type Labels = Readonly<Record<string, string>>;

/** An operator that we do not know holds for nothing: which objects it means cannot be guessed. */
const nothing = (key: string): LabelRequirement => ({ key, operator: 'In', values: [] });

export function selectorFrom({ matchLabels = {}, matchExpressions = [] }: LabelSelector): Selector {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In', values: [value] }) as const),
    ...matchExpressions.map(({ key, operator, values = [] }): LabelRequirement => {
      if (operator === 'In' || operator === 'NotIn') return { key, operator, values };
      if (operator === 'Exists' || operator === 'DoesNotExist') return { key, operator, values: [] };
      return nothing(key);
    }),
  ];
}

const name = '[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?';
const value = '(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?';
const requirement = new RegExp(
  `^\\s*(?:(!)\\s*(${name})|(${name})(?:\\s*(==|=|!=)\\s*(${value})|\\s+(in|notin)\\s*\\(([^()]*)\\))?)\\s*$`,
);
const listed = new RegExp(`^${value}$`);

/**
 * A selector as `kubectl -l`, the HPA and the scale subresource write it: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
 *
 * @throws {RangeError} when it is none.
 */
export function parseSelector(text: string): Selector {
  return text.trim() === '' ? [] : text.split(/,(?![^()]*\))/).map(parseRequirement);
}

function parseRequirement(text: string): LabelRequirement {
  const [matched, , absent, present = '', operator, single = '', set, list = ''] = requirement.exec(text) ?? [];
  if (matched === undefined)
    throw new RangeError(`saw ${JSON.stringify(text)}; wanted a label requirement, for example app=generation`);
  if (absent !== undefined) return { key: absent, operator: 'DoesNotExist', values: [] };
  if (set !== undefined) {
    const values = list.split(',').map((item) => item.trim());
    if (!values.every((item) => listed.test(item)))
      throw new RangeError(`saw ${JSON.stringify(text)}; wanted label values, for example (a, b)`);
    return { key: present, operator: set === 'in' ? 'In' : 'NotIn', values };
  }
  if (operator === undefined) return { key: present, operator: 'Exists', values: [] };
  return { key: present, operator: operator === '!=' ? 'NotIn' : 'In', values: [single] };
}

/** Whether a requirement holds for a label's value; undefined: the label is not there. */
const holds: Readonly<
  Record<LabelRequirement['operator'], (found: string | undefined, values: readonly string[]) => boolean>
> = {
  In: (found, values) => found !== undefined && values.includes(found),
  NotIn: (found, values) => found === undefined || !values.includes(found),
  Exists: (found) => found !== undefined,
  DoesNotExist: (found) => found === undefined,
};

/** As Kubernetes has it: an empty selector matches everything, and NotIn what lacks the label too. */
export const matches = (selector: Selector, labels: Labels): boolean =>
  selector.every(({ key, operator, values }) =>
    holds[operator](Object.hasOwn(labels, key) ? labels[key] : undefined, values),
  );

/** For an index by label: terms `key=value` of which all that matches has one, as few as there are. Undefined: the selector names no value. */
export function termsOf(selector: Selector): readonly string[] | undefined {
  const [fewest] = selector
    .filter(({ operator }) => operator === 'In')
    .toSorted((a, b) => a.values.length - b.values.length);
  return fewest && [...new Set(fewest.values)].map((one) => `${fewest.key}=${one}`);
}
