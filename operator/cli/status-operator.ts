import type { Kube } from '../kube/client.ts';
import { leases, type Lease } from '../kube/lease.ts';
import { ageText } from './age.ts';
import { leaseName } from './lease.ts';
import { orForbidden } from './status-rights.ts';

/** A leader renews each 5 s; clocks of two machines may differ by some seconds. */
const silentMs = 60_000;

type Seen = Lease | 'Forbidden' | undefined;
const read = (kube: Kube, namespace: string, signal: AbortSignal): Promise<Seen> =>
  orForbidden(kube.get(leases, `${namespace}/${leaseName}`, signal));

/** Whether somebody is there who keeps a status up to date. `now` in ms since the epoch. */
export const operatorLine = async (kube: Kube, namespace: string, now: number, signal: AbortSignal): Promise<string> =>
  `operator: ${leaderText(await read(kube, namespace, signal), namespace, now)}\n`;

/** Whether somebody keeps a status up to date: undefined; why nobody does; or that it cannot be known. */
export type Vouching = { readonly silence: string } | { readonly unknown: string } | undefined;

export const operatorVouching = async (
  kube: Kube,
  namespace: string,
  now: number,
  signal: AbortSignal,
): Promise<Vouching> => vouching(await read(kube, namespace, signal), namespace, now);

/** An operator with `--no-leader-elect` has no Lease and is not silent for that. */
export function vouching(lease: Seen, namespace: string, now: number): Vouching {
  if (lease === 'Forbidden') return undefined;
  const silence = silenceText(lease, namespace, now);
  if (silence === undefined) return undefined;
  return lease === undefined
    ? { unknown: `operator: not known, ${silence.saw}: judged by what was written last; next: ${silence.next}` }
    : { silence: `${silence.saw}; next: ${silence.next}` };
}

/** @param lease Undefined: there is none. */
export function leaderText(lease: Seen, namespace: string, now: number): string {
  if (lease === 'Forbidden')
    return `not known, you may not read the Lease ${namespace}/${leaseName}: what follows may be old`;
  const silence = silenceText(lease, namespace, now);
  if (silence !== undefined) return `${silence.saw}: what follows is what was written last; next: ${silence.next}`;
  const { holderIdentity, leaseDurationSeconds = 15, renewTime = '' } = lease?.spec ?? {};
  const silenceMs = now - Date.parse(renewTime);
  return silenceMs < leaseDurationSeconds * 1_000
    ? `${holderIdentity} leads, it has renewed its Lease ${ageText(silenceMs)} ago`
    : `${holderIdentity} has not renewed the Lease ${namespace}/${leaseName} for ${ageText(silenceMs)}, it holds for ${leaseDurationSeconds}s: what follows is what was written last; next: kubectl get pods -n ${namespace}`;
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
  const next = `kubectl get pods -n ${namespace}`;
  if (holderIdentity === '')
    return { saw: `none leads, the last has let go of ${named} ${ageText(silenceMs)} ago`, next };
  if (silenceMs > silentMs)
    return { saw: `nobody has renewed ${named} for ${ageText(silenceMs)} (${holderIdentity} has had it)`, next };
  return undefined;
}
