import { extname } from 'node:path';
import type { Answer } from '../answer.ts';
import { assets } from './assets.ts';

/** Nothing but our own files runs, nobody else is asked for anything, and nobody puts the page into one of theirs. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const always = {
  'content-security-policy': policy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The console: `/`, and what it needs below `/console/`. Undefined: no page of ours. */
export function consolePage(path: string): Answer | undefined {
  const name = path === '/' ? 'index.html' : /^\/console\/([a-z.]+)$/.exec(path)?.[1];
  if (name === undefined || !Object.hasOwn(assets, name)) return undefined;
  return {
    status: 200,
    body: assets[name] ?? '',
    headers: { ...always, 'content-type': types[extname(name)] ?? 'text/plain; charset=utf-8' },
  };
}
