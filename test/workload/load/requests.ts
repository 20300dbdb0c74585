import type { Random } from '../random.ts';

/** One kind of request; `weight` is its share among the kinds (1 where absent). */
export interface RequestKind {
  readonly method: 'GET' | 'POST';
  /** `{1-500}` stands for an integer from 1 to 500, another at each request. */
  readonly path: string;
  readonly weight?: number;
}

/** Picks the next request by the weights. */
export function requestPicker(kinds: readonly RequestKind[], random: Random): () => RequestKind {
  const total = kinds.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const [first] = kinds;
  if (first === undefined || !(total > 0)) throw new RangeError('a load needs a kind of request with a weight above 0');
  return () => {
    let left = random() * total;
    const kind = kinds.find(({ weight = 1 }) => (left -= weight) < 0) ?? first;
    return { ...kind, path: kind.path.replaceAll(/\{(\d+)-(\d+)\}/g, (_, from, to) => between(+from, +to, random)) };
  };
}

/**
 * Reads a request as people write it: `GET /api/item/{1-500}`, with its weight before it if it has one: `3 GET /`.
 *
 * @throws RangeError with the text and an example.
 */
export function parseRequest(text: string): RequestKind {
  const [, weight, method, path] = /^\s*(?:(\d+(?:\.\d+)?)\s+)?(GET|POST)\s+(\/\S*)\s*$/.exec(text) ?? [];
  if ((method !== 'GET' && method !== 'POST') || path === undefined)
    throw new RangeError(
      `"${text}" is no request; wanted [WEIGHT] GET|POST /PATH, for example 3 GET /api/item/{1-500}`,
    );
  return { method, path, weight: Number(weight ?? 1) };
}

function between(from: number, to: number, random: Random): string {
  return String(from + Math.floor(random() * (to - from + 1)));
}
