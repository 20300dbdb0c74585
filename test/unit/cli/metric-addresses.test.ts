import { describe, expect, test } from '@jest/globals';
import { apiServerEndpoints, metricGuards, prometheusUrl } from '../../../operator/cli/metric-addresses.ts';
import { refusal } from '../../../operator/kube/api-error.ts';

const guards = (allow: readonly string[] = [], server = 'https://10.96.0.1:443', env = {}) =>
  metricGuards({ allow, server, endpoints: [{ address: '10.0.0.2', port: 6443 }], env });

describe('metricGuards()', () => {
  test('hosts that users name are never the API server, by address, by name or by the Pod’s own variable', async () => {
    const { pods, hosts } = await guards([], 'https://[fd00::1]:6443', { KUBERNETES_SERVICE_HOST: '10.96.0.1' });
    expect(['fd00::1', '10.96.0.1', '::ffff:10.96.0.1', '10.96.0.2'].map((one) => hosts(one))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(pods('10.96.0.1')).toBe(true);
    const named = await guards([], 'https://localhost:6443');
    expect(named.hosts('127.0.0.1')).toBe(false);
  });
  test('nor what is behind its address, at its port; others may listen there', async () => {
    const { pods, hosts } = await guards();
    expect([hosts('10.0.0.2', 6443), hosts('10.0.0.2', 9090), pods('10.0.0.2', 6443)]).toEqual([false, true, true]);
  });
  test('networks are allowed by option, for Pods and hosts', async () => {
    const { pods, hosts } = await guards(['127.0.0.0/8', ' ']);
    expect([pods('127.0.0.1'), hosts('127.0.0.1'), hosts('169.254.169.254')]).toEqual([true, true, false]);
  });
  test('what is no network is a matter of the call', async () => {
    await expect(guards(['10.0.0.1'])).rejects.toThrow(
      '--allow-metric-address: saw "10.0.0.1"; wanted a network, for example 127.0.0.0/8',
    );
  });
});

describe('apiServerEndpoints()', () => {
  const refused = (status: number) => refusal({ verb: 'get', target: 'it' }, { status, body: 'no' });
  const of = async (api: unknown, slices: unknown, signal = new AbortController().signal) => {
    const told: (readonly [string, unknown])[] = [];
    const answer = (one: unknown) => (Error.isError(one) ? Promise.reject(one) : Promise.resolve(one)) as never;
    const found = await apiServerEndpoints(
      { raw: () => answer(api), list: () => answer(slices) },
      { warn: (text, { error } = {}) => told.push([text, error]) },
      signal,
    );
    return { found, told };
  };
  const versions = { serverAddressByClientCIDRs: [{ serverAddress: '10.0.0.2:6443' }] };
  const slice = { endpoints: [{ addresses: ['10.0.0.3'] }], ports: [{ port: 6443 }] };

  test.each([400, 403, 404, 405, 501])(
    'says once what is not guarded, and what to do, where %d is all that anybody answers',
    async (status) => {
      const { found, told } = await of(refused(status), refused(403));
      expect(found).toEqual([]);
      expect(told).toEqual([
        [
          expect.stringMatching(
            /only at the address that the operator asks it at.*; next: let .* pass on GET \/api, or /,
          ),
          expect.objectContaining({ status }),
        ],
      ]);
    },
  );
  test.each([
    { name: 'the server itself', api: versions, slices: refused(403), found: '10.0.0.2' },
    { name: 'the EndpointSlices', api: refused(405), slices: [slice], found: '10.0.0.3' },
  ])('says nothing where $name can tell', async ({ api, slices, found }) => {
    expect(await of(api, slices)).toEqual({ found: [{ address: found, port: 6443 }], told: [] });
  });
  test('nor of what nobody waits for any more', async () => {
    expect(await of(refused(405), refused(405), AbortSignal.abort())).toEqual({ found: [], told: [] });
  });
});

describe('prometheusUrl()', () => {
  test.each(['http://prometheus.monitoring:9090', 'https://p/prefix'])('takes %s', (url) => {
    expect(prometheusUrl(url)).toBe(url);
  });
  test('an empty variable is none', () => expect(prometheusUrl('')).toBeUndefined());
  test.each(['prometheus:9090', 'ftp://p', 'p'])('%s is a matter of the call', (url) => {
    expect(() => prometheusUrl(url)).toThrow(`saw --prometheus-url ${url}; wanted a URL`);
  });
});
