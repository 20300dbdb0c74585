import type { IncomingHttpHeaders } from 'node:http';

/** The API server takes Authorization for itself and passes everything else on: who comes through its proxy says here who asks. */
export const proxiedAuthorization = 'x-genops-authorization';

/** What a request says of who asks. */
export function credentialsOf(headers: IncomingHttpHeaders): string | undefined {
  const proxied = headers[proxiedAuthorization];
  return headers.authorization ?? (typeof proxied === 'string' ? proxied : undefined);
}
