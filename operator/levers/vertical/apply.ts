import { childName } from '../../api/child-name.ts';
import { apiVersionOf } from '../../kube/resource.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import type { Outcome } from '../lever.ts';
import type { VerticalDeps } from './observe.ts';
import type { VerticalChange, VerticalUnit } from './plan.ts';
import { verticalPodAutoscalers } from './vpa.ts';

export async function apply(
  change: VerticalChange,
  { namespace }: VerticalUnit,
  { kube }: Pick<VerticalDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const key = `${namespace}/${change.name}`;
  switch (change.kind) {
    case 'delete':
      await kube.delete(verticalPodAutoscalers, key, { uid: change.uid }, signal);
      break;
    case 'replaceSpec': {
      const operations = [
        { op: 'test', path: '/metadata/uid', value: change.uid },
        { op: 'replace', path: '/spec', value: change.spec },
      ] as const;
      await kube.patch(verticalPodAutoscalers, key, operations, { manager: managers.declared }, signal);
      break;
    }
    case 'apply': {
      const options = { manager: managers.declared, force: change.force };
      await applyOwned(kube, verticalPodAutoscalers, manifestOf(change, namespace), options, signal);
    }
  }
  return { result: 'applied' };
}

/** One that was taken over keeps what it says of itself: it may go back. */
const manifestOf = ({ name, spec, owner }: VerticalChange & { readonly kind: 'apply' }, namespace: string) => ({
  apiVersion: apiVersionOf(verticalPodAutoscalers),
  kind: verticalPodAutoscalers.kind,
  metadata: {
    namespace,
    name,
    ...(owner === undefined
      ? {}
      : {
          labels: { 'app.kubernetes.io/managed-by': 'genops', 'genops.dev/service': childName(owner.name) },
          ownerReferences: [owner],
        }),
  },
  spec,
});
