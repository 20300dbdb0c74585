import { tableName, type WantedIndex } from '../indexes/wanted.ts';
import type { Candidate } from './candidates.ts';
import type { Advised } from './prove.ts';
import type { AdviceSeen } from './read.ts';

/** What is advised and not declared either, in status.postgres[].indexes. */
export const advisedEntries = (
  advice: AdviceSeen | undefined,
  declared: readonly WantedIndex[],
): readonly Readonly<Record<string, unknown>>[] =>
  newIn(advice, declared).map((one) => ({
    name: nameOf(one),
    state: 'Advised',
    on: onText(one),
    statements: one.statements,
    gain: gainText(one),
  }));

/** For the message of a condition; empty: there is nothing to say. */
export function adviceText(advice: AdviceSeen | undefined, declared: readonly WantedIndex[]): readonly string[] {
  if (advice === undefined) return [];
  if (advice.state === 'Unknown') return [`No index advice: ${advice.why}.`];
  const advised = newIn(advice, declared).map(onText);
  const unplanned = advice.unplanned.map(({ statements, why }) => `${statements} (${why})`);
  return [
    ...(advised.length === 0 ? [] : [`Advised, and never built unasked: ${advised.join(', ')}.`]),
    ...(unplanned.length === 0 ? [] : [`Statements of which the index advice knows no plan: ${unplanned.join(', ')}.`]),
  ];
}

/** What is declared is on its way, or its trouble is told. */
const newIn = (advice: AdviceSeen | undefined, declared: readonly WantedIndex[]): readonly Advised[] =>
  advice?.state !== 'Known' ? [] : advice.advised.filter((one) => !declared.some((index) => covers(index, one)));

const covers = ({ schema, table, columns, where = [], method, mode }: WantedIndex, one: Candidate): boolean =>
  mode !== 'Off' &&
  method === 'BTree' &&
  where.length === 0 &&
  schema === one.schema &&
  table === one.table &&
  one.columns.every((column, at) => columns[at]?.name === column);

const onText = ({ schema, table, columns }: Candidate): string =>
  `${tableName({ schema, table })} (${columns.join(', ')})`;

/** At most 63 bytes: the server cuts off the rest. */
const nameOf = ({ table, columns }: Candidate): string =>
  [table, ...columns].join('_').replaceAll(/\W/g, '').slice(0, 63);

/** Rounded: no figure that is another at each look. */
function gainText({ share, cost }: Advised): string {
  const part = share < 0.1 ? 'less than 10' : `about ${Math.floor(share * 10) * 10}`;
  const proof =
    cost === undefined
      ? 'not proven'
      : `reckoned by the planner to cost ${rounded(cost.after)} instead of ${rounded(cost.before)} (HypoPG)`;
  return `for ${part} % of the time of all statements; ${proof}`;
}

const rounded = (figure: number): string => String(Number(figure.toPrecision(2)));
