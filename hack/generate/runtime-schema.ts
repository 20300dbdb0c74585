import { RuntimeSettings } from '../../operator/api/runtime-settings.ts';

/** The format of the runtime settings, for readers in any language. */
export const runtimeSchema = (): ReadonlyMap<string, string> =>
  new Map([
    [
      'docs/reference/runtime-settings.schema.json',
      `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...RuntimeSettings }, undefined, 2)}\n`,
    ],
  ]);
