/** Requests in service by when they end: a binary heap over arrays, since millions of them pass through it. */
export interface Departures {
  readonly length: number;
  /** Seconds; Infinity: nothing is in service. */
  readonly nextAt: number;
  add(at: number, pod: number, response: number): void;
  /** Takes the first away. @returns Its Pod; how long it took altogether is in `response`. */
  take(): number;
  readonly response: number;
}

export function createDepartures(): Departures {
  let capacity = 1024;
  let times = new Float64Array(capacity);
  let responses = new Float64Array(capacity);
  let pods = new Int32Array(capacity);
  let length = 0;
  let response = 0;
  const grow = (): void => {
    capacity *= 2;
    const [moreTimes, moreResponses, morePods] = [
      new Float64Array(capacity),
      new Float64Array(capacity),
      new Int32Array(capacity),
    ];
    moreTimes.set(times);
    moreResponses.set(responses);
    morePods.set(pods);
    [times, responses, pods] = [moreTimes, moreResponses, morePods];
  };
  const put = (place: number, time: number, pod: number, took: number): void => {
    times[place] = time;
    pods[place] = pod;
    responses[place] = took;
  };
  const move = (from: number, to: number): void => put(to, times[from] ?? 0, pods[from] ?? 0, responses[from] ?? 0);
  return {
    get length() {
      return length;
    },
    get nextAt() {
      return length === 0 ? Infinity : (times[0] ?? Infinity);
    },
    get response() {
      return response;
    },
    add(at, pod, took) {
      if (length === capacity) grow();
      let place = length++;
      while (place > 0) {
        const above = (place - 1) >> 1;
        if ((times[above] ?? 0) <= at) break;
        move(above, place);
        place = above;
      }
      put(place, at, pod, took);
    },
    take() {
      const pod = pods[0] ?? 0;
      response = responses[0] ?? 0;
      length--;
      const [time, lastPod, took] = [times[length] ?? 0, pods[length] ?? 0, responses[length] ?? 0];
      let place = 0;
      for (let below = 1; below < length; below = 2 * place + 1) {
        if (below + 1 < length && (times[below + 1] ?? 0) < (times[below] ?? 0)) below++;
        if (time <= (times[below] ?? 0)) break;
        move(below, place);
        place = below;
      }
      put(place, time, lastPod, took);
      return pod;
    },
  };
}
