/** Things to be done, by the time at which they are due: a binary heap. One timer serves them all. */
export interface DueQueue<T> {
  readonly size: number;
  /** When the first is due; undefined when there is none. */
  next(): number | undefined;
  push(dueAt: number, item: T): void;
  /** The first, if it is due by `now`. */
  pop(now: number): T | undefined;
}

export function createDueQueue<T>(): DueQueue<T> {
  const heap: { readonly dueAt: number; readonly item: T }[] = [];
  const dueAt = (index: number): number => heap[index]?.dueAt ?? Infinity;
  const swap = (a: number, b: number): void => {
    const [first, second] = [heap[a], heap[b]];
    if (first === undefined || second === undefined) return;
    heap[a] = second;
    heap[b] = first;
  };
  const rise = (from: number): void => {
    for (
      let at = from, parent = (at - 1) >> 1;
      at > 0 && dueAt(at) < dueAt(parent);
      at = parent, parent = (at - 1) >> 1
    )
      swap(at, parent);
  };
  const sink = (): void => {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const child = dueAt(left + 1) < dueAt(left) ? left + 1 : left;
      if (dueAt(child) >= dueAt(at)) return;
      swap(at, child);
      at = child;
    }
  };
  return {
    get size() {
      return heap.length;
    },
    next: () => heap[0]?.dueAt,
    push(at, item) {
      heap.push({ dueAt: at, item });
      rise(heap.length - 1);
    },
    pop(now) {
      const first = heap[0];
      if (first === undefined || first.dueAt > now) return undefined;
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) {
        heap[0] = last;
        sink();
      }
      return first.item;
    },
  };
}
