import { describe, expect, test } from '@jest/globals';
import { rightsNext, secretDenied } from '../../../operator/cli/status-rights.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';

const forbidden = (user: string, verb: string, of: string): ApiError =>
  new ApiError(
    { verb, target: 'x' },
    { status: 403, reason: 'Forbidden', message: `x is forbidden: User "${user}" cannot ${verb} resource ${of}` },
  );
const ours = '"generationservices" in API group "genops.dev" in the namespace "ai"';
const theRest =
  '; where it has that already: kubectl apply -f config/rbac/users.yaml (docs/security.md#who-needs-what)';

describe('rightsNext()', () => {
  test.each([
    {
      name: 'names the role view to a user who may not read a service',
      error: forbidden('jane doe', 'get', ours),
      next: `; next: an administrator gives it the role view: kubectl create rolebinding genops-view -n ai --clusterrole=view --user='jane doe'${theRest}`,
    },
    {
      name: 'quotes a name with a quote for a shell',
      error: forbidden("o'hara;id", 'get', ours),
      next: `; next: an administrator gives it the role view: kubectl create rolebinding genops-view -n ai --clusterrole=view --user='o'\\''hara;id'${theRest}`,
    },
    {
      name: 'names the role edit to a ServiceAccount that may not change one',
      error: forbidden('system:serviceaccount:ci:gate', 'patch', ours),
      next: `; next: an administrator gives it the role edit: kubectl create rolebinding genops-edit -n ai --clusterrole=edit --serviceaccount=ci:gate${theRest}`,
    },
    {
      name: 'leads to the table for what is not ours',
      error: forbidden('jane', 'list', '"pods" in API group "" in the namespace "ai"'),
      next: '; next: docs/security.md#who-needs-what',
    },
    {
      name: 'says nothing where something else is wrong',
      error: new ApiError({ verb: 'get', target: 'x' }, { status: 500, reason: 'InternalError', message: ours }),
      next: '',
    },
  ])('$name', ({ error, next }) => {
    expect(rightsNext(error)).toBe(next);
  });
});

test('secretDenied() speaks of whoever asks, and of the one Secret', () => {
  const error = forbidden("o'hara", 'get', '"secrets" in API group "" in the namespace "ai"');
  expect(secretDenied('ai', 'redis', error)).toEqual({
    saw: 'you may not read Secret ai/redis',
    wanted: 'get of it',
    next: "ask an administrator for it: kubectl create role read-redis -n ai --verb=get --resource=secrets --resource-name=redis; kubectl create rolebinding read-redis -n ai --role=read-redis --user='o'\\''hara' (docs/security.md#who-needs-what)",
  });
});
