import type { Resolved } from '../decide/resolve.ts';
import type { Kube } from '../kube/client.ts';
import { horizontalPodAutoscalers, hpaName } from '../levers/horizontal/hpa.ts';
import type { Caches } from './caches.ts';

/** Deletes the HPAs that we made for components that the service no longer has: left alone they would go on scaling, and stand in the way of the target's next service. */
export async function deleteOrphans(
  { service, components, mode }: Resolved,
  { caches, kube }: { readonly caches: Pick<Caches, 'hpas'>; readonly kube: Kube },
  signal: AbortSignal,
): Promise<void> {
  if (mode !== 'Enforce') return;
  const { namespace, name, uid } = service.metadata;
  const wanted = new Set(components.map(({ spec }) => hpaName(name, spec.name)));
  for (const hpa of caches.hpas.by('controller', uid))
    if (!wanted.has(hpa.name))
      await kube.delete(horizontalPodAutoscalers, `${namespace}/${hpa.name}`, { uid: hpa.uid }, signal);
}
