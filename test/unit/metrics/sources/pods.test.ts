import { describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../../../operator/metrics/address-guard.ts';
import { createScraper, podsSource } from '../../../../operator/metrics/sources/pods.ts';
import { podServing } from '../../../world/pod-view.ts';

const view = podServing('a', 9100, { ip: '169.254.169.254' });
const source = (port: string | number, path = '/metrics') =>
  podsSource({ endpoint: { port, path, scheme: 'HTTP' }, scraper: createScraper(), guard: createAddressGuard() });

describe('podsSource()', () => {
  const signal = AbortSignal.timeout(1_000);
  test('dials no address that a Pod cannot have', async () => {
    expect(await source('metrics').read(view, signal)).toMatchObject({
      result: 'failed',
      failure: { reason: 'AddressRefused' },
    });
    expect(await source(80).read({ ...view, ip: undefined }, signal)).toMatchObject({
      failure: { reason: 'AddressRefused' },
    });
  });
  test('names the port that the Pod does not have', async () => {
    const { failure } = { failure: undefined, ...(await source('web').read(view, signal)) };
    expect(failure).toEqual({ reason: 'NoPort', message: 'Pod a has no container port named web' });
  });
  test('has the same id for the same settings, another for others', () => {
    expect(source('metrics').id).toBe(source('metrics').id);
    expect(new Set([source('metrics').id, source(9100).id, source('metrics', '/m').id]).size).toBe(3);
  });
});
