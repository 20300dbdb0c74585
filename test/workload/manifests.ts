import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../operator/kube/object.ts';

export type NamedManifest = Manifest & { readonly kind: string };

/** In the order of their names, as kubectl applies them: what the workload asks comes before it. */
const backends = ['model.yaml', 'postgres.yaml'];

/**
 * The objects of the reference workload and its Redis, in the order in which to apply them.
 *
 * @param withBackends Also its model and its PostgreSQL, which it uses where they are there: what `kubectl apply -n NAMESPACE -f test/workload/manifests/` gives.
 */
export async function workloadManifests(
  namespace: string,
  { withBackends = false }: { readonly withBackends?: boolean } = {},
): Promise<readonly NamedManifest[]> {
  const names = [...(withBackends ? backends : []), 'redis.yaml', 'workload.yaml'];
  const files = names.map((name) => join(import.meta.dirname, 'manifests', name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as NamedManifest));
  return objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
}
