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

/** Of 1 to 21, as WCAG 2 has it. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [one, other].map(luminance).toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const digits = colour
    .replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3')
    .slice(1)
    .match(/../g);
  const [red = 0, green = 0, blue = 0] = (digits ?? []).map((pair) => {
    const value = Number.parseInt(pair, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const schemes = [...(assets['style.css'] ?? '').matchAll(/:root \{([^}]+)\}/g)].map(
  ([, block = '']) =>
    new Map([...block.matchAll(/--(\w+): (#\w+);/g)].map(([, name = '', colour = '']) => [name, colour])),
);

describe.each([
  { name: 'in the light', colours: schemes[0] },
  { name: 'in the dark', colours: schemes[1] },
])('$name', ({ colours = new Map<string, string>() }) => {
  test.each([
    ...['text', 'muted', 'link', 'good', 'bad'].map((name) => ({ name, least: 4.5 })),
    ...['line', 'second', 'bound', 'decision', 'condition', 'spec', 'bounds'].map((name) => ({ name, least: 3 })),
  ])('$name can be told from what is behind it: at least $least to 1', ({ name, least }) => {
    for (const behind of ['page', 'panel'])
      expect(contrast(colours.get(name) ?? '#000', colours.get(behind) ?? '#000')).toBeGreaterThanOrEqual(least);
  });
});
