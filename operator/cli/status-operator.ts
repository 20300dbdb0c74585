import type { Kube } from '../kube/client.ts';
import { leases, type Lease } from '../kube/lease.ts';
import { ageText } from './age.ts';
import { leaseName } from './lease.ts';
import { orForbidden } from './status-rights.ts';

/** A leader renews each 5 s; clocks of two machines may differ by some seconds. */
const silentMs = 60_000;

/** Whether somebody is there who keeps a status up to date. `now` in ms since the epoch. */
export async function operatorLine(kube: Kube, namespace: string, now: number, signal: AbortSignal): Promise<string> {
  const lease = await orForbidden(kube.get(leases, `${namespace}/${leaseName}`, signal));
  return `operator: ${leaderText(lease, namespace, now)}\n`;
}

/** @param lease Undefined: there is none. */
export function leaderText(lease: Lease | 'Forbidden' | undefined, namespace: string, now: number): string {
  const named = `the Lease ${namespace}/${leaseName}`;
  if (lease === 'Forbidden') return `not known, you may not read ${named}: what follows may be old`;
  const { holderIdentity = '', renewTime } = lease?.spec ?? {};
  if (renewTime === undefined)
    return `nobody has had ${named}: what follows may be old; next: where it is installed elsewhere, name that with --lease-namespace`;
  const silenceMs = now - Date.parse(renewTime);
  const next = `what follows is what was written last; next: kubectl get pods -n ${namespace}`;
  if (holderIdentity === '') return `none leads, the last has let go of ${named} ${ageText(silenceMs)} ago: ${next}`;
  if (silenceMs > silentMs)
    return `nobody has renewed ${named} for ${ageText(silenceMs)} (${holderIdentity} has had it): ${next}`;
  return `${holderIdentity} leads, it has renewed its Lease ${ageText(silenceMs)} ago`;
}
