import type { LeverName } from '../api/lever-names.ts';

/** A server that is down must not keep a service from being deleted for ever. */
export const patienceMs = 120_000;

/** What we once changed and is not as it was, and why. */
export interface Left {
  /** `lever/unit`; undefined where nothing could be looked at. */
  readonly unit: string | undefined;
  readonly lever: LeverName | undefined;
  /** Of the unit's condition. */
  readonly reason: string | undefined;
  readonly message: string;
  /** What would be changed to put it back. */
  readonly wanted: readonly string[];
  /** `host:port` of the server that we changed. */
  readonly address: string | undefined;
}

export interface VerdictInput {
  readonly left: readonly Left[];
  readonly namespace: string;
  /** The namespace is being deleted too. */
  readonly isTerminating: boolean;
  /** Since the service's deletion. */
  readonly waitedMs: number;
}

/** Whether a service that is being deleted may go, once it was tried to put everything back. Nobody waits for what is going with the namespace. */
export function judgeRelease({
  left,
  namespace,
  isTerminating,
  waitedMs,
}: VerdictInput): 'Restored' | 'Wait' | 'GiveUp' {
  if (left.length === 0) return 'Restored';
  if (waitedMs >= patienceMs) return 'GiveUp';
  return isTerminating && left.every((one) => goesWith(namespace, one)) ? 'GiveUp' : 'Wait';
}

/** Its HPA, its Service, or the Secret without which nobody gets in: nothing of it can come back. */
function goesWith(namespace: string, { lever, reason, address = '' }: Left): boolean {
  const isService = new RegExp(`^[^.]+\\.${namespace}:|\\.${namespace}\\.svc[.:]`).test(address);
  return isService || reason === 'SecretNotFound' || lever === 'horizontal';
}
