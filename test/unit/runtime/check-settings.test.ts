import { describe, expect, test } from '@jest/globals';
import { Value } from 'typebox/value';
import { validate } from '../../../operator/api/validate.ts';
import { RuntimeSettings } from '../../../operator/api/runtime-settings.ts';
import { checkSettings } from '../../../operator/runtime/check-settings.ts';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';

type Document = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Document => typeof value === 'object' && value !== null;

/** Every path to a value of the settings. */
const pathsOf = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] => [
  ...(path.length === 0 ? [] : [path]),
  ...(isRecord(value) ? Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...path, name])) : []),
];
function withValue(document: Document, [name = '', ...rest]: readonly string[], value: unknown): Document {
  return { ...document, [name]: rest.length === 0 ? value : withValue(document[name] as Document, rest, value) };
}

describe('checkSettings()', () => {
  test('finds nothing in the defaults, nor in fields of a newer operator', () => {
    expect(checkSettings(defaultSettings)).toBeUndefined();
    expect(
      checkSettings({ ...defaultSettings, later: 1, cache: { ...defaultSettings.cache, l3: {} } }),
    ).toBeUndefined();
  });
  test.each([null, [], 'text', 1])('wants an object, not %j', (document) => {
    expect(checkSettings(document)).toContain('not an object');
  });
  test.each(['timeout', 'connectTimeout'])('refuses http.%s of nothing, in the file as in the policy', (name) => {
    const http = { ...defaultSettings.http, [`${name}Ms`]: 0 };
    expect(checkSettings({ ...defaultSettings, http })).toBe(`/http/${name}Ms is 0, not a whole number from 1`);
    const policy = (value: string) =>
      validate({
        apiVersion: 'genops.dev/v1alpha1',
        kind: 'PerformancePolicy',
        metadata: { name: 'a' },
        spec: { runtime: { http: { [name]: value } } },
      });
    expect(policy('0s')).toMatchObject({ kind: 'invalid', problems: [{ field: `spec.runtime.http.${name}` }] });
    expect(policy('1ms')).toMatchObject({ kind: 'valid' });
  });
  test.each(pathsOf(defaultSettings).map((path) => [path.join('/'), path] as const))(
    'says of %s what the published schema says',
    (at, path) => {
      for (const value of [undefined, null, -1, 0, 1, 1.5, '5', [], {}, true]) {
        const document = withValue(defaultSettings, path, value);
        const problem = checkSettings(JSON.parse(JSON.stringify(document)));
        expect([value, problem === undefined]).toEqual([
          value,
          Value.Check(RuntimeSettings, JSON.parse(JSON.stringify(document))),
        ]);
        if (problem !== undefined) expect(problem).toContain(`/${at}`);
      }
    },
  );
});
