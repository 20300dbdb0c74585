import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../kube/logger.ts';

/** A serving certificate, as a Secret of type kubernetes.io/tls is mounted; PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** ca.crt: who signed it. Not every issuer tells. */
  readonly ca: string | undefined;
  /** Of `cert`. */
  readonly fingerprint256: string;
}

export interface KeyPairOptions {
  /** Folder with tls.crt and tls.key, and ca.crt where there is one. */
  readonly certDir: string;
  readonly logger: Logger;
  /** How often the files are looked at. */
  readonly lookEveryMs: number;
  readonly signal: AbortSignal;
}

/** @throws when the certificate or its key cannot be read. */
export async function readKeyPair(certDir: string): Promise<KeyPair> {
  const read = (file: string): Promise<string> => readFile(join(certDir, file), 'utf8');
  const [cert, key, ca] = await Promise.all([read('tls.crt'), read('tls.key'), orAbsent(read('ca.crt'))]);
  return { cert, key, ca, fingerprint256: new X509Certificate(cert).fingerprint256 };
}

async function orAbsent(reading: Promise<string>): Promise<string | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Looks again and again: a mounted Secret changes by a link that is exchanged, which no file watch sees reliably.
 * A pair that `onChange` refuses by throwing is not taken; the next look tries it again.
 */
export async function followKeyPair(
  { certDir, initial, logger, lookEveryMs, signal }: KeyPairOptions & { readonly initial: KeyPair },
  onChange: (next: KeyPair) => void,
): Promise<void> {
  let current = initial;
  while (!signal.aborted) {
    try {
      await pause(lookEveryMs, undefined, { signal, ref: false });
      const next = await readKeyPair(certDir);
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) continue;
      onChange(next);
      current = next;
      logger.info('there is a new certificate, and it is served');
    } catch (error) {
      if (!signal.aborted) logger.error('the certificate cannot be taken over; the old one stays', { certDir, error });
    }
  }
}
