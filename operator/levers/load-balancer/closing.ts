import type { Capabilities } from './capabilities.ts';
import { directive, type Lines } from './directive.ts';

/** Long enough for who asks at least once a second: who asks more seldom hardly asks at the very moment. */
const toldMs = 1_000;

/**
 * How long clients are told before a reload that their connections end. A worker that is to end closes kept connections at once: who is just sending
 * on one is reset. From 1.27.4 on nginx waits by itself (keepalive_min_timeout).
 */
export const closingMsOf = (capabilities: Capabilities): number =>
  capabilities.has('keepaliveMinTimeout') ? 0 : toldMs;

/** While it is there. */
export const closingFile = (folder: string): string => `${folder}/closing`;

/**
 * Stands in the server. Whether a connection is kept is a matter of the location, and a request that was once in one without stays so: it is led through such a
 * one by a status that nothing else answers with, and from there to where it belongs.
 */
export function closing(folder: string, capabilities: Capabilities): Lines {
  if (closingMsOf(capabilities) === 0) return [];
  return [
    'error_page 418 = @genops_closing;',
    '# Before a reload each answer is the last on its connection: a worker that ends would cut kept ones off.',
    `if (-f ${closingFile(folder)}) {`,
    '  return 418;',
    '}',
    '# From here where it belongs.',
    'location @genops_closing {',
    '  keepalive_timeout 0;',
    '  rewrite "(?s)^(.*)$" $1 last;',
    '}',
  ];
}

/** What was led through there has a path that nginx would write anew, `%2F` as `/`: it is sent as it came. */
export const passTo = (upstream: string, capabilities: Capabilities): string =>
  directive('proxy_pass', `http://${upstream}${closingMsOf(capabilities) === 0 ? '' : '$request_uri'}`);
