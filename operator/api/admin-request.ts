import { createHash, createHmac } from 'node:crypto';

/** How a request to a workload's admin port is signed: over the shared secret of `components[].admin.secretRef`, so that it holds on a port without TLS too. */

export const adminPath = '/genops/actions/';

/** Request headers. */
export const adminHeaders = {
  /** Whole seconds since the epoch. */
  time: 'x-genops-time',
  /** 16 to 64 characters that were never used before. */
  nonce: 'x-genops-nonce',
  /** Name of the Pod that is meant: all Pods of a component share the secret. */
  pod: 'x-genops-pod',
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
  readonly pod: string;
  /** Empty: none. */
  readonly body: string;
}

/** HMAC-SHA256 of method, path, time, nonce, Pod and the SHA-256 of the body in hexadecimal, a line each; in hexadecimal. */
export const adminSignature = (key: string, { method, path, time, nonce, pod, body }: AdminRequest): string =>
  createHmac('sha256', key)
    .update([method, path, time, nonce, pod, createHash('sha256').update(body).digest('hex')].join('\n'))
    .digest('hex');
