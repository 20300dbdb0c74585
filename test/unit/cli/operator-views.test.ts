import { expect, test } from '@jest/globals';
import { refusedText } from '../../../operator/cli/operator-views.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';

const asked = {
  operator: { namespace: 'genops-system', name: 'genops' },
  account: { namespace: 'ai', name: 'viewer', audience: undefined },
};
const views = { verb: 'get', target: 'views of Service genops-system/genops' };
const token = { verb: 'create', target: 'token of ServiceAccount ai/viewer' };
const notFound = (message: string) => ({ status: 404, reason: 'NotFound', message });

test.each([
  {
    name: 'no Service, as views are off: how they are switched on',
    error: new ApiError(views, notFound('services "genops" not found')),
    says: 'could not get views of Service genops-system/genops: services "genops" not found; next: views are off unless they are asked for: helm upgrade genops charts/genops -n genops-system --reset-then-reuse-values --set views.enabled=true, or name another Service with --operator',
  },
  {
    name: 'no ServiceAccount: how it and its right are made',
    error: new ApiError(token, notFound('serviceaccounts "viewer" not found')),
    says: 'could not create token of ServiceAccount ai/viewer: serviceaccounts "viewer" not found; next: kubectl create serviceaccount viewer -n ai, and kubectl create rolebinding viewer -n ai --clusterrole=view --serviceaccount=ai:viewer',
  },
  {
    name: 'a service that the operator does not know: where it is written',
    error: new ApiError(views, notFound('generationservices "generation" not found')),
    says: 'could not get views of Service genops-system/genops: generationservices "generation" not found; next: docs/views.md, or --operator NAMESPACE/NAME where another one looks after ai',
  },
  {
    name: 'a right that is missing: where it is written',
    error: new ApiError(views, { status: 403, reason: 'Forbidden', message: 'no' }),
    says: 'could not get views of Service genops-system/genops: no; next: docs/views.md, or --operator NAMESPACE/NAME where another one looks after ai',
  },
  {
    name: 'a right to a token that is missing: where it is written',
    error: new ApiError(token, { status: 403, reason: 'Forbidden', message: 'no' }),
    says: 'could not create token of ServiceAccount ai/viewer: no; next: docs/views.md',
  },
])('whoever asks the operator is told of $name', ({ error, says }) => {
  expect(refusedText(error, asked)).toBe(says);
});
