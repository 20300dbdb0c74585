import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { ServersByUpstream } from './upstreams.ts';

/** Settings that nginx did not take. Times in ms of one clock. */
export interface Failed {
  readonly hash: string;
  readonly at: number;
  /** How often in a row. */
  readonly times: number;
  /** Its words. */
  readonly message: string;
  /** It had none. */
  readonly isSilent?: true;
}

interface Choice {
  /** Undefined: nobody has declared any, or none that can be read. */
  readonly declared: LoadBalancerSettings | undefined;
  /** What is in force. */
  readonly loaded: LoadBalancerSettings | undefined;
  readonly failed: Failed | undefined;
  readonly now: number;
}

/** A port may be free again, a file be there: soon at first, then more and more seldom. */
export const tryAgainAt = ({ at, times }: Failed): number => at + Math.min(2_000 * 2 ** (times - 1), 30_000);

/** What is declared, unless nginx has just refused it: then Pods still come and go, and are followed with the settings that it took last. */
export function settingsToServe({ declared, loaded, failed, now }: Choice): LoadBalancerSettings | undefined {
  const isRefused = failed !== undefined && failed.hash === declared?.hash && now < tryAgainAt(failed);
  return declared === undefined || isRefused ? loaded : declared;
}

interface Differing {
  readonly wanted: string;
  readonly loaded: string | undefined;
  readonly now: number;
}

/** Since when another generation is wanted than the loaded one, however many came and went meanwhile: Pods that change each second put no load off for ever. Undefined: that one is wanted. */
export const differingSince = (since: number | undefined, { wanted, loaded, now }: Differing): number | undefined =>
  wanted === loaded ? undefined : (since ?? now);

interface NextLoadInput {
  /** The generation that is wanted, and since when it is another than the loaded one. */
  readonly wanted: { readonly generation: string; readonly since: number };
  /** Undefined: nothing is served yet. */
  readonly loaded: { readonly generation: string; readonly at: number } | undefined;
  /** Requests of an upstream fail that has Pods by now. */
  readonly isUrgent: boolean;
  /** Earlier configurations whose workers still end requests. */
  readonly drainingGenerations: number;
  readonly minIntervalMs: number;
  /** Our place among the other replicas, which hear of a change at the same moment. */
  readonly jitterMs: number;
  readonly now: number;
}

type NextLoad =
  { readonly action: 'nothing' } | { readonly action: 'load' } | { readonly action: 'wait'; readonly delayMs: number };

const drainAgainMs = 1_000;
/** Each holds all that a worker holds: nginx that is reloaded faster than it drains runs out of memory. */
const mostDraining = 2;

/** Every reload resets some keep-alive connections of clients: when the next one may be. */
export function nextLoad(input: NextLoadInput): NextLoad {
  const { wanted, loaded, isUrgent, drainingGenerations, minIntervalMs, jitterMs, now } = input;
  if (wanted.generation === loaded?.generation) return { action: 'nothing' };
  if (loaded === undefined) return { action: 'load' };
  if (drainingGenerations >= mostDraining) return { action: 'wait', delayMs: drainAgainMs };
  if (isUrgent) return { action: 'load' };
  const due = Math.max(loaded.at + minIntervalMs, wanted.since + jitterMs);
  return now < due ? { action: 'wait', delayMs: due - now } : { action: 'load' };
}

/** Whether an upstream that has no server in what is loaded has one in what is wanted. */
export const hasRevived = (loaded: ServersByUpstream, wanted: ServersByUpstream): boolean =>
  Object.entries(wanted).some(([name, servers]) => servers.length > 0 && (loaded[name] ?? []).length === 0);
