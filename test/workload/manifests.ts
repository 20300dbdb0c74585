import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Manifest } from '../../operator/kube/object.ts';

export type NamedManifest = Manifest & { readonly kind: string };

/**
 * The objects of the reference workload and its Redis, in the order in which to apply them.
 *
 * `kubectl apply -n NAMESPACE -f test/workload/manifests/` gives the same, but for the Redis' host: here it is written out, so that an operator in another namespace finds it too.
 */
export async function workloadManifests(namespace: string): Promise<readonly NamedManifest[]> {
  const files = ['redis.yaml', 'workload.yaml'].map((name) => join(import.meta.dirname, 'manifests', name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as NamedManifest));
  return objects.map((object) => placed(object, namespace));
}

function placed(object: NamedManifest, namespace: string): NamedManifest {
  const there = { ...object, metadata: { ...object.metadata, namespace } };
  if (object.kind !== 'Secret') return there;
  const stringData = object['stringData'] as Readonly<Record<string, string>>;
  return { ...there, stringData: { ...stringData, host: `redis.${namespace}.svc` } };
}
