import { describe, expect, test } from '@jest/globals';
import { checkLoadBalancerSettings } from '../../../operator/api/check-load-balancer-settings.ts';
import { settingsFor } from '../levers/load-balancer/settings.ts';

const full = settingsFor(
  {},
  { serverNames: ['api.example.com'], staticFiles: { path: '/var/www' }, tlsSecretRef: { name: 'tls' } },
);

type Place = readonly (string | number)[];

/** Where strings stand, but for those of a closed set, whose every other value is refused anyway. */
function stringsIn(value: unknown, at: Place = []): readonly Place[] {
  if (typeof value === 'string') return [at];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    stringsIn(inner, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

function withString(place: Place, text: string): string {
  const copy = structuredClone(full) as unknown as Record<string | number, unknown>;
  const parent = place
    .slice(0, -1)
    .reduce<Record<string | number, unknown>>((inner, key) => inner[key] as typeof inner, copy);
  parent[place.at(-1) ?? ''] = text;
  return JSON.stringify(copy);
}

const hostile = ['a; }', 'a b', 'a\nb', 'a\n', 'a{', 'a}', 'a"b', "a'b", 'a\\b', '$host', '#', 'a\u0000', '../a;', ''];

describe('checkLoadBalancerSettings()', () => {
  test('takes what the operator writes', () => {
    expect(checkLoadBalancerSettings(JSON.stringify(full))).toEqual({ kind: 'valid', settings: full });
  });

  test.each(stringsIn(full).map((place) => ({ field: place.join('.'), place })))(
    'refuses everything in $field that means something to nginx',
    ({ place }) => {
      for (const text of hostile) {
        const leading = String(place.at(-1)) === 'path' || String(place.at(-1)) === 'folder' ? `/${text}` : text;
        if (leading === '/' && place.includes('routes')) continue; // the root
        if (leading === '/' && (place.includes('api') || place.includes('monitoringCache'))) continue;
        const checked = checkLoadBalancerSettings(withString(place, leading));
        expect({ text: leading, kind: checked.kind }).toEqual({ text: leading, kind: 'invalid' });
      }
    },
  );

  test.each([
    { name: 'no JSON', text: 'server {', says: 'saw no JSON' },
    { name: 'a list', text: '[]', says: 'must be object' },
    { name: 'another version', text: JSON.stringify({ ...full, version: 2 }), says: 'settings.json.version' },
    {
      name: 'a route to what is no upstream, which nginx would look up by its name',
      text: JSON.stringify({ ...full, routes: [{ path: '/', upstream: 'evil', streaming: false }] }),
      says: 'saw route / to evil; wanted one of workflow',
    },
    { name: 'one port twice', text: JSON.stringify({ ...full, listen: { http: 1, https: 1 } }), says: 'port 1 twice' },
    {
      name: 'a host name with an empty label, which nginx refuses',
      text: JSON.stringify({ ...full, serverNames: ['a..b'] }),
      says: 'settings.json.serverNames.0',
    },
  ])('refuses $name', ({ text, says }) => {
    const checked = checkLoadBalancerSettings(text);
    expect(checked).toMatchObject({ kind: 'invalid', message: expect.stringContaining(says) });
  });

  test('takes fields that it does not know: a newer operator writes them', () => {
    expect(checkLoadBalancerSettings(JSON.stringify({ ...full, zone: 'a' }))).toMatchObject({ kind: 'valid' });
  });
});
