import { expect, test } from '@jest/globals';
import type { Kube } from '../../../operator/kube/client.ts';
import { openCollection } from '../../../operator/kube/collection.ts';
import { resource } from '../../../operator/kube/resource.ts';
import { eventually } from '../../world/eventually.ts';

const pods = resource({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

test('a first list that is under way is no failure; one that is refused is, in the words of the server alone', async () => {
  const answer = Promise.withResolvers<never>();
  const kube: Pick<Kube, 'stream'> = { stream: () => answer.promise };
  await using collection = openCollection({ kube: kube as Kube, resource: pods, project: () => true, logger: silent });
  expect([collection.problem(), collection.failure()]).toEqual(['pods in all namespaces not listed yet', undefined]);
  answer.reject(new Error('pods is forbidden'));
  await eventually(() => expect(collection.failure()).toBe('pods is forbidden'));
  expect(collection.problem()).toBe('pods in all namespaces not listed yet: pods is forbidden');
});
