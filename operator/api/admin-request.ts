import { createHmac } from 'node:crypto';

/** How a request to a workload's admin port is signed: over the shared secret of `components[].admin.secretRef`, so that it holds on a port without TLS too. */

export const adminPath = '/genops/actions/';

/** Request headers. */
export const adminHeaders = {
  /** Whole seconds since the epoch. */
  time: 'x-genops-time',
  /** 16 to 64 characters that were never used before. */
  nonce: 'x-genops-nonce',
  /** See `adminSignature`. */
  signature: 'x-genops-signature',
} as const;

/** A request is good for so long before and after its time. */
export const adminToleranceSeconds = 60;

export interface AdminRequest {
  readonly method: string;
  /** With its query, if any. */
  readonly path: string;
  readonly time: string;
  readonly nonce: string;
}

/** HMAC-SHA256 of method, path, time and nonce, a line each, in hexadecimal. Actions have no body: there is nothing else to sign. */
export const adminSignature = (key: string, { method, path, time, nonce }: AdminRequest): string =>
  createHmac('sha256', key).update([method, path, time, nonce].join('\n')).digest('hex');
