import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/**
 * Everything that the operator may do where it is installed, and a test that fails where it may not: each story of test/integration runs it as a user with these rights and no others.
 * A right without a line here is one that nobody needs.
 */
const used: readonly (readonly [verbs: string, resource: string, file: string, title: string])[] = [
  ['get', 'genops.dev/generationservices', 'cli', 'is 1 with what would change, 0 once the operator has changed it'], // genops diff in its Pod
  ['list watch', 'genops.dev/generationservices', 'target-claims', 'of two services for one target the older has it'],
  ['patch', 'genops.dev/generationservices', 'finalizers', 'our finalizer is set and taken away'],
  ['patch', 'genops.dev/generationservices/status', 'bad-input', 'a target that does not exist, then does'],
  ['update', 'genops.dev/generationservices/finalizers', 'redis', 'Restore survives a foreground deletion'],
  ['get', 'genops.dev/performancepolicies', 'cli', 'shows each value with its layer'], // genops policy effective in its Pod
  ['list watch', 'genops.dev/performancepolicies', 'bad-input', 'a policy that does not exist, then does'],
  ['patch', 'genops.dev/performancepolicies/status', 'gitops', 'a PerformancePolicy that contradicts itself is Failed'],
  ['list watch', 'autoscaling/horizontalpodautoscalers', 'modes', 'is a Conflict that names it'],
  ['create patch', 'autoscaling/horizontalpodautoscalers', 'modes', 'an HPA that somebody deletes comes back'],
  ['delete', 'autoscaling/horizontalpodautoscalers', 'modes', 'the HPA of a component that is gone goes too'],
  [
    'list create patch delete',
    'autoscaling.k8s.io/verticalpodautoscalers',
    'vertical-lever',
    'goes when it is wanted no more',
  ],
  ['get patch', 'keda.sh/scaledobjects', 'modes', 'with FloorOnly the floor of a ScaledObject is moved'],
  ['get', 'apps/deployments', 'resources-lever', 'of the template take a right of its own'],
  [
    'get',
    'apps/statefulsets',
    'cli-program',
    'writes what was learned as a Component that kustomize adds to what is in Git',
  ],
  ['list watch', 'apps/deployments', 'bad-input', 'a target that does not exist, then does'],
  ['list watch', 'apps/statefulsets', 'rights', 'a StatefulSet without an HPA is scaled'],
  ['patch', 'apps/deployments/scale', 'scaler', 'without an HPA (horizontal.mode: Off) the scaler moves the replicas'],
  ['patch', 'apps/statefulsets/scale', 'rights', 'a StatefulSet without an HPA is scaled'],
  ['list watch', '/pods', 'scaling', 'says that no Pod is ready though the settings are in force'],
  ['get patch', 'gateway.networking.k8s.io/httproutes', 'http-route', 'weights of components follow their Ready Pods'],
  ['list watch', '/resourcequotas', 'budgets', 'replicas come down to what a ResourceQuota has'],
  ['create', '/pods/eviction', 'optimizer-pods', 'the worst Pod is evicted'],
  ['patch', '/pods/resize', 'resources-lever', 'a Pod on a real node is resized without a restart'],
  ['list', 'metrics.k8s.io/pods', 'chart', 'helm install tunes a service under the chart’s own rights'],
  ['list watch', '/configmaps', 'state', 'a state that lost its label gets it back'],
  ['get create update', '/configmaps', 'state', 'what several loops write of one state at once is all there'],
  ['create', 'events.k8s.io/events', 'scaling', 'FloorRaised'],
  ['patch', 'events.k8s.io/events', 'kube-events', 'series'],
];

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
const granted = parseAllDocuments(readFileSync('config/rbac/role.yaml', 'utf8'))
  .flatMap((document) => (document.toJS() as { readonly rules?: readonly Rule[] }).rules ?? [])
  .flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((one) => verbs.map((verb) => `${verb} ${group}/${one}`))),
  );

test('each right is used by a test, and none is listed that is not granted', () => {
  const listed = used.flatMap(([verbs, resource]) => verbs.split(' ').map((verb) => `${verb} ${resource}`));
  expect(listed.toSorted()).toEqual(granted.toSorted());
});

test('each of these tests is there', () => {
  const missing = used.filter(
    ([, , file, title]) => !readFileSync(`test/integration/${file}.test.ts`, 'utf8').includes(title),
  );
  expect(missing).toEqual([]);
});

test('nothing opens everything: no wildcard, no Secret, no way to other rights or into Pods', () => {
  expect(
    granted.filter((right) =>
      /\*|secrets|roles|rolebindings|impersonate|escalate|bind|exec|attach|portforward|pods\/log/.test(right),
    ),
  ).toEqual([]);
});
