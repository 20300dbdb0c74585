import { expect, test } from '@jest/globals';
import { apiVersionOf, collectionPath, objectPath, resource } from '../../../operator/kube/resource.ts';

const pods = resource({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });
const nodes = resource({ group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false });
const autoscalers = resource({ group: 'autoscaling', version: 'v2', plural: 'hpas', kind: 'HPA', namespaced: true });

test.each([
  [collectionPath(pods), '/api/v1/pods'],
  [collectionPath(pods, 'n'), '/api/v1/namespaces/n/pods'],
  [collectionPath(nodes, 'n'), '/api/v1/nodes'],
  [objectPath(autoscalers, 'n/a', 'status'), '/apis/autoscaling/v2/namespaces/n/hpas/a/status'],
  [objectPath(nodes, 'a'), '/api/v1/nodes/a'],
  [objectPath(pods, 'n/a?b'), '/api/v1/namespaces/n/pods/a%3Fb'],
  [apiVersionOf(pods), 'v1'],
  [apiVersionOf(autoscalers), 'autoscaling/v2'],
])('%s', (actual, expected) => expect(actual).toBe(expected));

test('a key without a namespace is refused for what lives in one', () => {
  expect(() => objectPath(pods, 'a')).toThrow('saw "a" as the key of a Pod; wanted namespace/name');
  expect(() => objectPath(nodes, 'n/a')).toThrow('saw "n/a" as the key of a Node; wanted name');
});
