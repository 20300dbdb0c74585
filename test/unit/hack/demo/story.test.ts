import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { PerformancePolicy } from '../../../../operator/api/performance-policy.ts';
import { bytes, type Quantity } from '../../../../operator/api/quantity.ts';
import { validate } from '../../../../operator/api/validate.ts';
import { handEditAtSecond, names, perPod, perPodTarget, profile, rates } from '../../../../hack/demo/story.ts';
import { durationSeconds, rateAt } from '../../../workload/load/profile.ts';

const sample = join(import.meta.dirname, '../../../../config/samples/demo.yaml');
/** YAML 1.1, as kubectl reads it. */
const documents = parseAllDocuments(readFileSync(sample, 'utf8'), { version: '1.1' }).map(
  (one) => one.toJS() as object,
);

test('config/samples/demo.yaml is valid, and about what the demo makes', () => {
  expect(documents.map((document) => validate(document))).toEqual(documents.map(() => expect.objectContaining({ kind: 'valid' }))); // prettier-ignore
  expect(documents).toEqual([
    expect.objectContaining({ kind: 'PerformancePolicy' }),
    expect.objectContaining({ metadata: { name: names.service, namespace: names.workloads } }),
  ]);
});

test('the calm load is for minReplicas, the busy one within maxReplicas', () => {
  const { horizontal } = (documents[0] as PerformancePolicy).spec ?? {};
  expect(horizontal?.metrics?.find(({ type }) => type === 'Pods')?.pods?.target.averageValue).toBe(
    String(perPodTarget),
  );
  expect(Math.ceil(rates.calm / perPodTarget)).toBe(horizontal?.minReplicas);
  expect(Math.ceil(rates.busy / perPodTarget)).toBeLessThanOrEqual(horizontal?.maxReplicas ?? 0);
});

test('the sample gives each Pod the threads and connections that the demo looks for', () => {
  const { runtime } = (documents[0] as PerformancePolicy).spec ?? {};
  expect({ threads: runtime?.cpuPool?.threads, connections: runtime?.postgresPool?.max }).toEqual(perPod);
});

test('garbage is collected before the container of the sample’s workload is killed', () => {
  const { runtime } = (documents[0] as PerformancePolicy).spec ?? {};
  const workload = join(import.meta.dirname, '../../../workload/manifests/workload.yaml');
  const found = parseAllDocuments(readFileSync(workload, 'utf8')).find((one) => one.get('kind') === 'Deployment');
  const limit = found?.getIn(['spec', 'template', 'spec', 'containers', 0, 'resources', 'limits', 'memory']);
  expect(bytes(runtime?.memory?.collectAbove ?? '1024Mi')).toBeLessThan(bytes(limit as Quantity));
});

test('the edit by hand is in the busy time, and the load ends before the demo may', () => {
  expect(rateAt(profile, handEditAtSecond)).toBe(rates.busy);
  expect(durationSeconds(profile)).toBeLessThan(240);
});
