import { describe, expect, test } from '@jest/globals';
import { routeOf } from '../../../operator/serve/view-routes.ts';

const route = (path: string) => routeOf(new URL(path, 'https://views'));
const one = '/namespaces/ai/generationservices/generation';

describe('routeOf()', () => {
  test.each<{ path: string; expected: object }>([
    { path: '/metrics', expected: { kind: 'metrics' } },
    { path: '/generationservices', expected: { kind: 'fleet', namespace: undefined } },
    { path: '/generationservices?namespace=ai', expected: { kind: 'fleet', namespace: 'ai' } },
    { path: '/namespaces/ai/generationservices', expected: { kind: 'fleet', namespace: 'ai' } },
    {
      path: `${one}/api/performance/status?window=5m`,
      expected: {
        kind: 'view',
        namespace: 'ai',
        name: 'generation',
        path: 'api/performance/status',
        windowMs: 300_000,
      },
    },
    { path: `${one}/api/cache/status`, expected: { kind: 'view', path: 'api/cache/status', windowMs: undefined } },
    { path: '/namespaces/ai/generationservices/a.b/api/cache/status', expected: { kind: 'view', name: 'a.b' } },
    { path: `${one}/api/performance/history?since=1700000000000`, expected: { sinceMs: 1_700_000_000_000 } },
    {
      path: `${one}/api/performance/history?since=2026-11-25T12:00:00Z`,
      expected: { sinceMs: Date.UTC(2026, 10, 25, 12) },
    },
  ])('$path', ({ path, expected }) => {
    expect(route(path)).toMatchObject(expected);
  });

  test.each([
    '/',
    '/namespaces',
    '/namespaces//generationservices',
    one,
    `${one}/api/performance`,
    `${one}/constructor`,
    '/namespaces/ai/generationservices/A/api/cache/status',
    '/namespaces/-ai/generationservices/x/api/cache/status',
    '/namespaces/ai/generationservices/%2e%2e%2fx/api/cache/status',
    `/namespaces/ai/generationservices/${'x'.repeat(254)}/api/cache/status`,
    '/namespaces/ai/generationservices/a..b/api/cache/status',
  ])('knows no %s', (path) => {
    expect(route(path)).toMatchObject({ kind: 'notFound' });
  });

  test.each([
    '/generationservices?namespace=a%20b',
    '/namespaces/a.b/generationservices',
    `${one}/api/performance/status?window=1s`,
    `${one}/api/performance/status?window=25h`,
    `${one}/api/performance/status?window=soon`,
    `${one}/api/performance/history?since=yesterday`,
    `${one}/api/performance/history?since=`,
  ])('says what is wrong with %s', (path) => {
    expect(route(path)).toMatchObject({ kind: 'wrong', message: expect.stringMatching(/^saw /) });
  });

  test.each([
    {
      path: `${one}/api/performance/status?window=5x`,
      message: 'saw window "5x"; wanted 10s to 24h, for example 5m',
    },
    {
      path: `${one}/api/performance/history?since=`,
      message: 'saw since ""; wanted RFC 3339 or milliseconds since 1970',
    },
    { path: `${one}/api/performance/status?windw=5m`, message: 'saw parameter "windw"; wanted window' },
    {
      path: `${one}/api/performance/status?window=1m&window=2m`,
      message: 'saw parameter "window" more than once; wanted it once',
    },
    { path: `${one}/api/performance/load?window=5m`, message: 'saw parameter "window"; wanted none here' },
    { path: '/generationservices?name=a&x=b', message: 'saw parameter "name", "x"; wanted namespace' },
    { path: '/namespaces/ai/generationservices?limit=5', message: 'saw parameter "limit"; wanted none here' },
    { path: `/generationservices?${'x'.repeat(99)}=`, message: `saw parameter "${'x'.repeat(40)}"; wanted namespace` },
  ])('quotes what it saw in $path', ({ path, message }) => {
    expect(route(path)).toEqual({ kind: 'wrong', message });
  });
});
