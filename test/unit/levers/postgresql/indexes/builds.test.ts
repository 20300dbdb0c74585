import { describe, expect, test } from '@jest/globals';
import { createBuilds } from '../../../../../operator/levers/postgresql/indexes/builds.ts';

const { signal } = new AbortController();
const now = Date.parse('2026-11-28T06:00:00Z');
const cancel = (): Promise<void> => Promise.resolve();
const inVain = { cancel, inVain: 'LockWait' } as const;

describe('end()', () => {
  test('of what waited in vain is a failure: the rest doubles each time', async () => {
    const builds = createBuilds(() => now);
    await builds.end('pg:5432', 'shop.public.by_status', inVain, signal);
    expect(builds.failuresOn('pg:5432')).toMatchObject({ 'shop.public.by_status': { againAt: now + 60_000 } });
    await builds.end('pg:5432', 'shop.public.by_status', inVain, signal);
    expect(builds.failuresOn('pg:5432')).toMatchObject({ 'shop.public.by_status': { againAt: now + 120_000 } });
  });

  test('of what is not wanted any more is none, and what was noted of it is forgotten', async () => {
    const builds = createBuilds(() => now);
    await builds.end('pg:5432', 'shop.public.by_status', inVain, signal);
    await builds.end('pg:5432', 'shop.public.by_status', { cancel, inVain: null }, signal);
    expect(builds.failuresOn('pg:5432')).toEqual({});
  });
});

test('failures of servers that come and go do not pile up: the oldest are forgotten', async () => {
  const builds = createBuilds(() => now);
  for (let preview = 0; preview <= 1000; preview += 1)
    await builds.end(`pg.preview-${preview}:5432`, 'shop.public.by_status', inVain, signal);
  expect(builds.failuresOn('pg.preview-0:5432')).toEqual({});
  expect(builds.failuresOn('pg.preview-1:5432')).not.toEqual({});
  expect(builds.failuresOn('pg.preview-1000:5432')).not.toEqual({});
});
