import { openapi } from '../../operator/serve/openapi.ts';

/** The views' schemas, for who reads them with a program. */
export const openapiReference = (): ReadonlyMap<string, string> =>
  new Map([['docs/reference/openapi.json', `${JSON.stringify(openapi, undefined, 2)}\n`]]);
