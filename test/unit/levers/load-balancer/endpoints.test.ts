import { expect, test } from '@jest/globals';
import {
  serversOf,
  unusableServices,
  type EndpointsView,
} from '../../../../operator/levers/load-balancer/endpoints.ts';

const one = [{ name: 'http', port: 8080 }];
const two = [...one, { name: 'metrics', port: 9090 }];
const slice = (ports: EndpointsView['ports'], ...addresses: readonly string[]): EndpointsView => ({
  service: 'generation',
  ports,
  endpoints: addresses.map((address) => ({ address, pod: { name: `pod-${address}`, uid: address } })),
});

test.each([
  { name: 'by the name of the port', port: 'metrics', slices: [slice(two, '10.0.0.1')], servers: ['10.0.0.1:9090'] },
  {
    name: 'by the first port where none is named',
    port: undefined,
    slices: [slice(two, '10.0.0.1')],
    servers: ['10.0.0.1:8080'],
  },
  {
    name: 'by the only port, whatever number the Service has for it',
    port: 80,
    slices: [slice(one, '10.0.0.1')],
    servers: ['10.0.0.1:8080'],
  },
  { name: 'nowhere by a port that there is not', port: 'grpc', slices: [slice(two, '10.0.0.1')], servers: [] },
  {
    name: 'once and in order, in whatever slices they stand',
    port: 'http',
    slices: [slice(one, '10.0.0.2', '10.0.0.1'), slice(one, '10.0.0.1')],
    servers: ['10.0.0.1:8080', '10.0.0.2:8080'],
  },
])('Pods are found $name', ({ port, slices, servers }) => {
  const upstream = { name: 'workflow', service: 'generation', slots: 5, ...(port === undefined ? {} : { port }) };
  const found = serversOf([upstream], (service) => slices.filter((candidate) => candidate.service === service));
  expect(found['workflow']?.map(({ address, port: at }) => `${address}:${at}`)).toEqual(servers);
});

test.each([
  { name: 'there is no slice of it', port: 'http', slices: [], unusable: { workflow: 'NoService' } },
  {
    name: 'its Pods have another port',
    port: 'grpc',
    slices: [slice(two, '10.0.0.1')],
    unusable: { workflow: 'NoPort' },
  },
  { name: '(it can) no Pod is ready', port: 'grpc', slices: [slice([])], unusable: {} },
  {
    name: '(it can) some of its Pods have the port',
    port: 'http',
    slices: [slice([], '10.0.0.1'), slice(one, '10.0.0.2')],
    unusable: {},
  },
])('a Service cannot be used where $name', ({ port, slices, unusable }) => {
  const upstream = { name: 'workflow', service: 'generation', slots: 5, port };
  expect(unusableServices([upstream], () => slices)).toEqual(unusable);
});

test('a Pod of two address families is one server, by IPv4; one of IPv6 alone is there too', () => {
  const of = (...all: readonly (readonly [address: string, uid: string])[]): EndpointsView => ({
    service: 'generation',
    ports: one,
    endpoints: all.map(([address, uid]) => ({ address, pod: { name: `pod-${uid}`, uid } })),
  });
  const slices = [of(['fd00::1', 'a'], ['fd00::2', 'b'], ['fd00::3', 'c']), of(['10.0.0.1', 'a'], ['10.0.0.2', 'b'])];
  const { workflow } = serversOf([{ name: 'workflow', service: 'generation', slots: 5 }], () => slices);
  expect(workflow?.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2', 'fd00::3']);
});
