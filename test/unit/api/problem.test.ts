import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { isProblem, Problem, problemMessage } from '../../../operator/api/problem.ts';

describe('Problem', () => {
  const cause = new Error('NOPERM');
  const problem = new Problem('PermissionDenied', {
    saw: 'role genops may not set work_mem',
    wanted: 'work_mem = 16MB',
    next: 'GRANT ALTER SYSTEM ON PARAMETER work_mem TO genops',
    cause,
  });

  test('reads as one sentence: what was seen, what was wanted, the next step', () => {
    expect(problem.message).toBe(
      'saw role genops may not set work_mem; wanted work_mem = 16MB; next: GRANT ALTER SYSTEM ON PARAMETER work_mem TO genops',
    );
  });

  test('keeps the reason and the server’s own error', () => {
    expect(problem).toMatchObject({ name: 'Problem', reason: 'PermissionDenied', saw: expect.any(String), cause });
  });

  test('has no next step where waiting is enough', () => {
    expect(problemMessage({ saw: 'LOADING', wanted: 'an answer' })).toBe('saw LOADING; wanted an answer');
  });
});

describe('isProblem()', () => {
  test('tells a Problem from other errors', () => {
    expect(isProblem(new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' }))).toBe(true);
    expect(
      [new Error('Problem'), undefined, 'Problem', { name: 'Problem', reason: 'Unreachable' }].map(isProblem),
    ).toEqual([false, false, false, false]);
  });

  test('knows one from another realm', () => {
    expect(isProblem(runInNewContext('Object.assign(new Error(), { name: "Problem", reason: "Unreachable" })'))).toBe(
      true,
    );
  });
});
