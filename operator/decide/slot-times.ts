/** One request at one Pod. Times in ms of one clock. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * How long each of these requests had one of a Pod's slots, in ms, in their order: where more are under way than there are slots they share them. Their sum is the time that slots were busy.
 *
 * The time between request and answer would contain the queue, which answers to the weight: a Pod that gets more would seem to be slower.
 *
 * @param slots Requests that the Pod works on at once; a part of one, where others send it requests that are not seen here.
 */
export function slotTimes(spans: readonly Span[], slots: number): readonly number[] {
  const moments = spans
    .flatMap(({ startMs, endMs }, index) => [
      { at: startMs, index, begins: true },
      { at: endMs, index, begins: false },
    ])
    .toSorted((a, b) => a.at - b.at);
  const [times, began] = [spans.map(() => 0), spans.map(() => 0)];
  let [underWay, last, each] = [0, 0, 0]; // `each`: slot time of one that has been under way from the beginning
  for (const { at, index, begins } of moments) {
    if (underWay > 0) each += (at - last) * Math.min(1, slots / underWay);
    last = at;
    underWay += begins ? 1 : -1;
    if (begins) began[index] = each;
    else times[index] = each - (began[index] ?? 0);
  }
  return times;
}
