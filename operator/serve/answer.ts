import type { ServerResponse } from 'node:http';

/** What is answered to one request. */
export interface Answer {
  readonly status: number;
  /** An object is sent as JSON. */
  readonly body: object | string;
  /** Lower case; besides or instead of those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure in the form in which the API server itself writes one. */
export const failure = (code: number, reason: string, message: string): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code },
});

/** Figures of a moment: nobody may keep them, and nobody may take them for something that they are not. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  response
    .writeHead(status, { ...always, 'content-type': type, 'content-length': Buffer.byteLength(text), ...headers })
    .end(text);
}
