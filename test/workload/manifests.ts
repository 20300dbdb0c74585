import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../operator/kube/object.ts';

export type NamedManifest = Manifest & { readonly kind: string };

/** The objects of the reference workload and its Redis, in the order in which to apply them: what `kubectl apply -n NAMESPACE -f test/workload/manifests/` gives. */
export async function workloadManifests(namespace: string): Promise<readonly NamedManifest[]> {
  const files = ['redis.yaml', 'workload.yaml'].map((name) => join(import.meta.dirname, 'manifests', name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as NamedManifest));
  return objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
}
