import { expect, test } from '@jest/globals';
import { ApiError } from '../../../../operator/kube/api-error.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import { observe } from '../../../../operator/levers/load-balancer/observe.ts';
import type { LoadBalancerUnit } from '../../../../operator/levers/load-balancer/unit.ts';

const gateway = { namespace: 'ai', name: 'generation-nginx' };
const unit = {
  namespace: 'ai',
  configMapName: 'generation-nginx',
  owner: { name: 'generation' },
  podLabels: {},
  gateway,
};

/** What of nginx somebody sees who may see Deployments and nothing else of it. */
const look = (given: { readonly image?: string; readonly runs?: boolean; readonly gateway?: undefined }) => {
  const kube: Pick<Kube, 'get'> = {
    async get({ kind }, key) {
      const refused = { status: 403, reason: 'Forbidden', message: `${kind} is forbidden` };
      if (!['ConfigMap', 'Deployment'].includes(kind)) throw new ApiError({ verb: 'get', target: key }, refused);
      return kind === 'Deployment' && given.runs === true ? ({ kind, metadata: {} } as never) : undefined;
    },
  };
  const seenBy = { ...unit, ...('gateway' in given ? { gateway: undefined } : {}) } as unknown as LoadBalancerUnit;
  const deps = { kube: kube as Kube, agents: undefined, nginxImage: given.image };
  return observe(seenBy, deps, new AbortController().signal, { applied: { gateway: 'hash' } });
};

test('without an image, and where none runs, nobody needs the rights to run one', async () => {
  expect(await look({})).toEqual({ configMap: undefined, agents: undefined, gateway: [] });
});

test('without an image, and where one runs, it is not the missing right that is told', async () => {
  expect(await look({ runs: true })).toMatchObject({ gateway: [], denied: expect.stringContaining('forbidden') });
});

test.each([
  { name: 'there is an image to run', given: { image: 'genops-nginx:1' } },
  { name: 'one is to be deleted: what is not seen is not gone', given: { gateway: undefined } },
])('a right that is missing is told where $name', async ({ given }) => {
  await expect(look(given)).rejects.toThrow('forbidden');
});
