import type { IncomingMessage } from 'node:http';

/** What goes back to the client, and how it is counted. */
export interface Answer {
  readonly status: number;
  /** The pattern, never the path itself: label values come from a closed set. */
  readonly route: string;
  /** Sent as JSON. */
  readonly body: unknown;
  readonly cache?: 'hit' | 'miss';
  readonly retryAfterSeconds?: number;
}

const maxBodyBytes = 65_536;

/** A request's body; undefined: it is larger than 64 KiB. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > maxBodyBytes) return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}
