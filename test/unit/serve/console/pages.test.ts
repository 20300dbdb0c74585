import { describe, expect, test } from '@jest/globals';
import { assets } from '../../../../operator/serve/console/assets.ts';
import { consolePage } from '../../../../operator/serve/console/pages.ts';

describe('consolePage()', () => {
  test.each([
    { path: '/', type: 'text/html; charset=utf-8', has: '<!doctype html>' },
    { path: '/console/app.js', type: 'text/javascript; charset=utf-8', has: 'visibilitychange' },
    { path: '/console/style.css', type: 'text/css; charset=utf-8', has: 'prefers-color-scheme: dark' },
    { path: '/console/uplot.js', type: 'text/javascript; charset=utf-8', has: 'uPlot' },
    { path: '/console/icon.svg', type: 'image/svg+xml', has: '<svg' },
  ])('$path is $type', ({ path, type, has }) => {
    const page = consolePage(path);
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': type } });
    expect(page?.body).toContain(has);
  });

  test.each([
    '/console/',
    '/console/app.ts',
    '/console/../app.js',
    '/console/toString',
    '/index.html',
    '/generationservices',
  ])('%s is no page of the console', (path) => expect(consolePage(path)).toBeUndefined());

  test.each(['/', ...Object.keys(assets).map((name) => `/console/${name}`)])(
    '%s runs, loads and asks only what is ours',
    (path) => {
      expect(consolePage(path)?.headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
    },
  );
});

/** Files that we wrote; uPlot's are its own. */
const ours = Object.entries(assets).filter(([name]) => !name.startsWith('uplot.'));

test('the page has no script and no style in itself', () => {
  const html = assets['index.html'] ?? '';
  expect([...html.matchAll(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/g)]).toEqual([]);
  const named = [...html.matchAll(/(?:src|href)="console\/([^"]+)"/g)].map(([, name]) => name);
  expect(named.filter((name) => !(String(name) in assets))).toEqual([]);
});

test.each(ours)('%s puts in what it is told as text only, and names no other server', (name, text) => {
  expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
  expect(text.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);
  for (const [, imported = ''] of text.matchAll(/from '\.\/([^']+)'/g))
    expect([name, imported in assets]).toEqual([name, true]);
});
