import type { Kube } from '../kube/client.ts';
import { leases, type Lease } from '../kube/lease.ts';
import { ageText } from './age.ts';
import { leaseName, looksAfter } from './lease.ts';
import { orForbidden } from './status-rights.ts';

/** A leader renews each 5 s; clocks of two machines may differ by some seconds. */
const silentMs = 60_000;

const podsOf = (namespace: string): string => `kubectl get pods -n ${namespace}`;

type Seen = Lease | 'Forbidden' | undefined;
const read = (kube: Kube, namespace: string, signal: AbortSignal): Promise<Seen> =>
  orForbidden(kube.get(leases, `${namespace}/${leaseName}`, signal));

/** Whose status is asked for. */
export interface About {
  readonly namespace: string;
  /** Nobody has ever written of it. */
  readonly isUnseen: boolean;
}

/** Whether somebody is there who keeps a status up to date. `namespace` is that of the Lease, `now` in ms since the epoch. */
export const operatorLine = async (
  kube: Kube,
  { namespace, about }: { readonly namespace: string; readonly about: About },
  now: number,
  signal: AbortSignal,
): Promise<string> => `operator: ${leaderText(await read(kube, namespace, signal), { namespace, about, now })}\n`;

/** Whether somebody keeps a status up to date: undefined; why nobody does; or that it cannot be known. */
export type Vouching = { readonly silence: string } | { readonly unknown: string } | undefined;

export const operatorVouching = async (
  kube: Kube,
  { namespace, of }: { readonly namespace: string; readonly of: string },
  now: number,
  signal: AbortSignal,
): Promise<Vouching> => vouching(await read(kube, namespace, signal), { namespace, of, now });

/** An operator with `--no-leader-elect` has no Lease and is not silent for that; one that looks after other namespaces says nothing of this one (`of`), whether it is up or not. */
export function vouching(
  lease: Seen,
  { namespace, of, now }: { readonly namespace: string; readonly of: string; readonly now: number },
): Vouching {
  if (lease === 'Forbidden') return undefined;
  const elsewhere = elsewhereText(lease, of);
  if (elsewhere !== undefined)
    return {
      unknown: `operator: that of ${namespace} ${elsewhere.saw}: judged by what was written last; next: ${elsewhere.next}`,
    };
  const silence = silenceText(lease, namespace, now);
  if (silence === undefined) return undefined;
  return lease === undefined
    ? { unknown: `operator: not known, ${silence.saw}: judged by what was written last; next: ${silence.next}` }
    : { silence: `${silence.saw}; next: ${silence.next}` };
}

/** Whom alone the one that leads looks after, where that is not `of`. Undefined also where nobody leads: what a Lease says that is renewed no more need not hold. */
export async function leaderOfOthers(
  kube: Kube,
  { namespace, of }: { readonly namespace: string; readonly of: string },
  now: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const lease = await read(kube, namespace, signal);
  if (lease === 'Forbidden' || silenceText(lease, namespace, now) !== undefined) return undefined;
  const answer = looksAfter(lease?.metadata.annotations, of);
  return typeof answer === 'string' ? undefined : answer.only;
}

/** @param lease Undefined: there is none. */
export function leaderText(
  lease: Seen,
  { namespace, about, now }: { readonly namespace: string; readonly about: About; readonly now: number },
): string {
  if (lease === 'Forbidden')
    return `not known, you may not read the Lease ${namespace}/${leaseName}: what follows may be old`;
  const elsewhere = elsewhereText(lease, about.namespace);
  const { saw, next } = silenceText(lease, namespace, now) ?? leadingText(lease, namespace, now);
  if (elsewhere !== undefined)
    return next === undefined
      ? `${saw}, but ${elsewhere.saw}; next: ${elsewhere.next}`
      : `${saw}, and that one ${elsewhere.saw}: what follows is what was written last; next: ${elsewhere.next}`;
  return next === undefined
    ? `${saw}${mayBeElsewhere(lease, about)}`
    : `${saw}: what follows is what was written last; next: ${next}`;
}

/** Of one that is not silent. Without `next` it leads. */
function leadingText(
  lease: Lease | undefined,
  namespace: string,
  now: number,
): { readonly saw: string; readonly next?: string } {
  const { holderIdentity, leaseDurationSeconds = 15, renewTime = '' } = lease?.spec ?? {};
  const silenceMs = now - Date.parse(renewTime);
  return silenceMs < leaseDurationSeconds * 1_000
    ? { saw: `${holderIdentity} leads, it has renewed its Lease ${ageText(silenceMs)} ago` }
    : {
        saw: `${holderIdentity} has not renewed the Lease ${namespace}/${leaseName} for ${ageText(silenceMs)}, it holds for ${leaseDurationSeconds}s`,
        next: podsOf(namespace),
      };
}

/** Why one that leads may be no news for this service, where it does not say whom it looks after. */
const mayBeElsewhere = (lease: Lease | undefined, { namespace, isUnseen }: About): string =>
  isUnseen && looksAfter(lease?.metadata.annotations, namespace) === 'Unknown'
    ? `; where ${namespace} stays without a status, it may look after other namespaces only (\`namespaces\` of its chart), or another operator is meant: --lease-namespace`
    : '';

/** One that looks after others only. */
function elsewhereText(
  lease: Lease | undefined,
  namespace: string,
): { readonly saw: string; readonly next: string } | undefined {
  const answer = looksAfter(lease?.metadata.annotations, namespace);
  if (typeof answer === 'string') return undefined;
  return {
    saw: `looks after ${answer.only} only, not ${namespace}`,
    next: `add it to \`namespaces\` of its chart, or name where the operator of ${namespace} is installed with --lease-namespace`,
  };
}

function silenceText(
  lease: Seen,
  namespace: string,
  now: number,
): { readonly saw: string; readonly next: string } | undefined {
  if (lease === 'Forbidden') return undefined;
  const named = `the Lease ${namespace}/${leaseName}`;
  const { holderIdentity = '', renewTime } = lease?.spec ?? {};
  if (renewTime === undefined)
    return {
      saw: `nobody has had ${named}`,
      next: 'where it is installed elsewhere, name that with --lease-namespace',
    };
  const silenceMs = now - Date.parse(renewTime);
  const next = podsOf(namespace);
  if (holderIdentity === '')
    return { saw: `none leads, the last has let go of ${named} ${ageText(silenceMs)} ago`, next };
  if (silenceMs > silentMs)
    return { saw: `nobody has renewed ${named} for ${ageText(silenceMs)} (${holderIdentity} has had it)`, next };
  return undefined;
}
