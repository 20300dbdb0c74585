import { describe, expect, test } from '@jest/globals';
import { readModelMs, readSettings, readShape } from '../../../workload/service/settings.ts';

describe('readSettings()', () => {
  test('runs without any variable, and without a cache', () => {
    expect(readSettings({})).toMatchObject({ port: 8080, metricsPort: 9090, giveUpMs: 60_000, redis: undefined });
  });

  test('names the variable, its value and its range', () => {
    expect(() => readSettings({ WORKFLOW_SLOTS: '0' })).toThrow(
      'WORKFLOW_SLOTS is "0"; wanted a number from 1 to 1000',
    );
    expect(() => readSettings({ PORT: 'http' })).toThrow('PORT is "http"');
  });
});

test('readShape() takes what a query says and leaves the rest', () => {
  expect(readShape({ meanMs: '800' }, { meanMs: 300, cv: 0.5, cpuMs: 2 })).toEqual({ meanMs: 800, cv: 0.5, cpuMs: 2 });
});

test('readModelMs() is for what a model may be asked', () => {
  expect(readModelMs(new URLSearchParams('ms=20'))).toBe(20);
  expect(readModelMs(new URLSearchParams())).toBe(300);
  expect(() => readModelMs(new URLSearchParams('ms=soon'))).toThrow('ms is "soon"; wanted a number from 0 to 120000');
});
