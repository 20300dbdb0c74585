import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { LineSplitter } from '../../../operator/kube/lines.ts';

/** `bytes` cut into pieces at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((to, at) => bytes.subarray(cuts[at], to));
}

const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code)); // `unit: 'binary'` makes a table of all of them first
const text = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 40 }).map((line) => JSON.stringify(line));

test('gives the same lines wherever the stream is cut, also in the middle of a character', () => {
  fc.assert(
    fc.property(fc.array(text), fc.array(fc.nat({ max: 5000 })), (lines, places) => {
      const seen: string[] = [];
      const splitter = new LineSplitter((line) => seen.push(line));
      for (const piece of cut(Buffer.from(lines.map((line) => `${line}\n`).join('')), places)) splitter.push(piece);
      expect(seen.map((line) => JSON.parse(line) as string)).toEqual(lines.map((line) => JSON.parse(line) as string));
    }),
  );
});

test('keeps a line that is not complete, and passes over empty ones', () => {
  const seen: string[] = [];
  const splitter = new LineSplitter((line) => seen.push(line));
  splitter.push(Buffer.from('\n\n{"a":1}\n{"b"'));
  expect(seen).toEqual(['{"a":1}']);
  splitter.push(Buffer.from(':2}\n'));
  expect(seen).toEqual(['{"a":1}', '{"b":2}']);
});
