import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  canonicalName,
  isSettable,
  meansSame,
  render,
  serverNames,
} from '../../../../operator/levers/redis/parameters.ts';

const savePoint = fc.tuple(fc.integer({ min: 1, max: 86_400 }), fc.integer({ min: 1, max: 100_000 }));
const savePoints = fc.uniqueArray(savePoint, { maxLength: 8, selector: (pair) => pair.join(' ') });
const textOf = (pairs: readonly (readonly number[])[]) => pairs.map((pair) => pair.join(' ')).join(' ');

test('what is rendered means what was wanted', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 20 }),
      fc.constantFrom('', 'b', 'kb', 'mb', 'gb', 'k', 'M', 'Ki', 'Mi', 'Gi'),
      (figure, unit) => {
        const sent = render('repl-backlog-size', `${figure}${unit}`, '1');
        expect(sent).toMatch(/^[0-9]+$/);
        expect(meansSame('repl-backlog-size', `${figure}${unit}`, sent)).toBe(true);
      },
    ),
  );
});

test('the order of save points means nothing, each of them does', () => {
  fc.assert(
    fc.property(savePoints, fc.nat(), (pairs, turn) => {
      const at = pairs.length === 0 ? 0 : turn % pairs.length;
      const turned = [...pairs.slice(at), ...pairs.slice(0, at)];
      expect(meansSame('save', textOf(pairs), textOf(turned))).toBe(true);
      if (pairs.length > 0) expect(meansSame('save', textOf(pairs), textOf(pairs.slice(1)))).toBe(false);
      expect(meansSame('save', textOf(pairs), render('save', textOf(pairs), ''))).toBe(true);
    }),
  );
});

test('a canonical name stays what it is, and every name that a server may use leads back to it', () => {
  const word = fc.constantFrom(
    'hash',
    'ziplist',
    'listpack',
    'slave',
    'replica',
    'min-slaves',
    'max',
    'value',
    'lua-time-limit',
  );
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('-')),
      (name) => {
        const canonical = canonicalName(name);
        expect(canonicalName(canonical)).toBe(canonical);
        if (isSettable(name)) for (const other of serverNames(canonical)) expect(canonicalName(other)).toBe(canonical);
      },
    ),
  );
});

test('no name that may be sent is a pattern, an option or a second argument', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 70 }), (name) => {
      if (isSettable(name)) expect(name).toMatch(/^[a-z][a-z0-9-]{1,63}$/);
    }),
  );
});
