import { expect, test } from '@jest/globals';
import { ApiError } from '../../../operator/kube/api-error.ts';
import * as requests from '../../../operator/kube/requests.ts';
import { resource } from '../../../operator/kube/resource.ts';

const maps = resource({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true });

test('an apply fills in what the resource tells and asks for nothing but metadata', () => {
  const manifest = { metadata: { namespace: 'n', name: 'a' }, data: { b: 'c' } };
  expect(
    requests.applyRequest(maps, manifest, { manager: 'm', force: false, dryRun: true, subresource: 'status' }),
  ).toMatchObject({
    method: 'PATCH',
    path: '/api/v1/namespaces/n/configmaps/a/status',
    query: { fieldManager: 'm', force: undefined, dryRun: 'All' },
    headers: {
      'content-type': 'application/apply-patch+yaml',
      accept: expect.stringContaining('as=PartialObjectMetadata'),
    },
    body: { apiVersion: 'v1', kind: 'ConfigMap', ...manifest },
  });
});

test('a body for a subresource of another kind keeps its own kind', () => {
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { namespace: 'n', name: 'a' } };
  expect(requests.applyRequest(maps, scale, { manager: 'm' }).body).toEqual(scale);
});

test('the next page is asked for by its token alone', () => {
  const query = { namespace: 'n', limit: 2, continue: 'token', resourceVersion: '0' };
  expect(requests.listRequest(maps, query).query).toEqual({ limit: 2, continue: 'token' });
});

test('items of a list are given the kind that the list leaves out', () => {
  const page = requests.pageOf(maps, {
    metadata: { resourceVersion: '9', continue: '' },
    items: [{ metadata: { name: 'a' } }],
  });
  expect(page).toEqual({
    items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }],
    resourceVersion: '9',
    continue: undefined,
  });
  expect(requests.pageOf(maps, { metadata: { resourceVersion: '9' }, items: null }).items).toEqual([]);
});

async function failed(status: number): Promise<never> {
  throw new ApiError({ verb: 'get', target: 'x' }, { status, reason: '', message: '' });
}

test('only a 404 is undefined', async () => {
  await expect(requests.orUndefined(failed(404))).resolves.toBeUndefined();
  await expect(requests.orUndefined(failed(403))).rejects.toMatchObject({ status: 403 });
});
