/** Slips of a hand that still show which word was meant. */
const slips = 2;

/** The word that was probably meant; undefined: none is near. */
export function nearest(written: string, words: readonly string[]): string | undefined {
  const [closest] = words
    .map((word) => ({ word, distance: distance(written.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, distance: away }) => away <= slips && away < word.length / 2)
    .toSorted((a, b) => a.distance - b.distance);
  return closest?.word;
}

/** Levenshtein's: letters that are added, left out or other ones. */
function distance(from: string, to: string): number {
  const start = Array.from({ length: to.length + 1 }, (_, index) => index);
  const last = from.split('').reduce<readonly number[]>((above, letter, row) => {
    const line = [row + 1];
    for (const [column, other] of to.split('').entries()) {
      const changed = (above[column] ?? 0) + (letter === other ? 0 : 1);
      line.push(Math.min(changed, (above[column + 1] ?? 0) + 1, (line[column] ?? 0) + 1));
    }
    return line;
  }, start);
  return last.at(-1) ?? 0;
}
