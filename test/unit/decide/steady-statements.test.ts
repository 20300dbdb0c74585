import { describe, expect, test } from '@jest/globals';
import type { SlowStatement, SlowStatements } from '../../../operator/decide/slow-statements.ts';
import { steadyStatements } from '../../../operator/decide/steady-statements.ts';

const at = (minutes: number): number => Date.UTC(2026, 0, 1) + minutes * 60_000;
const one = (text: string, meanMs: number): SlowStatement => ({
  text,
  calls: 3,
  totalMs: 3 * meanMs,
  meanMs,
  maxMs: 2500.4,
  minMs: 900.6,
});
const slow = (...statements: readonly SlowStatement[]): SlowStatements => ({
  state: 'Known',
  source: 'pg_stat_statements',
  statements,
});
const when = (minutes: number, top = 20) => ({ now: at(minutes), top });
const first = steadyStatements(undefined, slow(one('SELECT a', 1000), one('SELECT b', 2000)), when(0));

describe('slow statements in status', () => {
  test('are told at once, in whole milliseconds', () => {
    expect(first).toEqual({
      source: 'pg_stat_statements',
      observedAt: '2026-01-01T00:00:00Z',
      statements: [
        { statement: 'SELECT a', calls: 3, mean: '1000ms', max: '2500ms', min: '901ms' },
        { statement: 'SELECT b', calls: 3, mean: '2000ms', max: '2500ms', min: '901ms' },
      ],
    });
  });
  interface Row {
    readonly name: string;
    readonly next: SlowStatements | undefined;
    readonly minutes: number;
    readonly kept: boolean;
  }
  test.each<Row>([
    { name: 'stay for five minutes, whatever changes', next: slow(one('SELECT a', 9000)), minutes: 4.99, kept: true },
    { name: 'change after that', next: slow(one('SELECT a', 9000)), minutes: 5, kept: false },
    {
      name: 'have a new one at the next look',
      next: slow(one('SELECT c', 1000), one('SELECT a', 1000)),
      minutes: 0.5,
      kept: false,
    },
    { name: 'stay in another order', next: slow(one('SELECT b', 2000), one('SELECT a', 1000)), minutes: 5, kept: true },
    { name: 'stay within a tenth', next: slow(one('SELECT a', 1100), one('SELECT b', 1800)), minutes: 5, kept: true },
    {
      name: 'change beyond a tenth',
      next: slow(one('SELECT a', 1101), one('SELECT b', 2000)),
      minutes: 5,
      kept: false,
    },
    { name: 'change where one is slow no more', next: slow(one('SELECT a', 1000)), minutes: 5, kept: false },
    { name: 'go when none is slow any more', next: slow(), minutes: 5, kept: false },
    { name: 'go where nobody knows any more', next: { state: 'Unknown', why: 'no' }, minutes: 5, kept: false },
    { name: 'go where the server does not answer', next: undefined, minutes: 5, kept: false },
  ])('$name', ({ next, minutes, kept }) => {
    const then = steadyStatements(first, next, when(minutes));
    expect(then === first).toBe(kept);
  });
  test('are ten at most, those that took most time', () => {
    const many = Array.from({ length: 50 }, (_, n) => one(`SELECT ${'x'.repeat(n)}`, 1000));
    const { statements = [] } = steadyStatements(undefined, slow(...many), when(0)) ?? {};
    expect(statements.map(({ statement }) => statement)).toEqual(many.slice(0, 10).map(({ text }) => text));
  });
  describe('that are as many as there is room for', () => {
    const names = Array.from({ length: 10 }, (_, n) => `SELECT ${'x'.repeat(n)}`);
    const ten = names.map((text) => one(text, 1000));
    const full = steadyStatements(undefined, slow(...ten), when(0));
    const five = steadyStatements(undefined, slow(...ten.slice(0, 5)), when(0));
    test.each<{
      name: string;
      next: SlowStatements;
      minutes?: number;
      top?: number;
      previous?: typeof full;
      kept: boolean;
    }>([
      {
        name: 'wait for one in the last place: there they change hands at every look',
        next: slow(...ten.slice(1), one('SELECT new', 1000)),
        kept: true,
      },
      {
        name: 'have it after five minutes',
        next: slow(...ten.slice(1), one('SELECT new', 1000)),
        minutes: 5,
        kept: false,
      },
      {
        name: 'wait for one that takes a little less than twice of the last',
        next: slow(one('SELECT new', 1999), ...ten.slice(1)),
        kept: true,
      },
      {
        name: 'have one at the next look that takes twice of it',
        next: slow(one('SELECT new', 2000), ...ten.slice(1)),
        kept: false,
      },
      {
        name: 'are not told anew where the same ones take more',
        next: slow(one('SELECT ', 9000), ...ten.slice(1)),
        kept: true,
      },
      {
        name: 'have a new one at once where there is room by now',
        next: slow(one('SELECT ', 1000), one('SELECT new', 1000)),
        kept: false,
      },
      {
        name: 'are five where no more are asked for',
        previous: five,
        top: 5,
        next: slow(...ten.slice(1, 5), one('SELECT new', 1000)),
        kept: true,
      },
      {
        name: 'have room for five more where ten are',
        previous: five,
        next: slow(...ten.slice(1, 5), one('SELECT new', 1000)),
        kept: false,
      },
    ])('$name', ({ previous = full, next, minutes = 0.5, top, kept }) => {
      expect(steadyStatements(previous, next, when(minutes, top)) === previous).toBe(kept);
    });
  });
  test('are not there where none is slow', () => {
    expect(steadyStatements(undefined, slow(), when(0))).toBeUndefined();
    expect(steadyStatements(first, slow(), when(5))).toBeUndefined();
  });
});
