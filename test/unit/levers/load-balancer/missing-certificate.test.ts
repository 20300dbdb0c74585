import { expect, test } from '@jest/globals';
import type { Gateway } from '../../../../operator/levers/load-balancer/gateway.ts';
import type { AgentSaid } from '../../../../operator/levers/load-balancer/reports.ts';
import { configMap, hash, planned, says, unit } from './plan-input.ts';
import { writtenFor } from './settings.ts';

const gateway: Gateway = {
  name: 'generation-nginx',
  namespace: unit.namespace,
  owner: unit.owner,
  configMapName: 'generation-nginx',
  replicas: 2,
  tlsSecretRef: { name: 'tls' },
  readsPods: false,
};
const secured = writtenFor({}, { tlsSecretRef: { name: 'tls' } });
const securedHash = secured.settings.hash;
const withoutPair = (pod: string, loaded?: string, https = false): AgentSaid => {
  const one = says(pod, loaded);
  if (one.kind === 'silent') throw new Error('it says something');
  const { loaded: serving, ...report } = one.report;
  return {
    ...one,
    report: { ...report, isWithoutPair: true, ...(serving === undefined ? {} : { loaded: { ...serving, https } }) },
  };
};
test.each<{ name: string; agents: readonly AgentSaid[]; isManaged?: boolean; condition: object }>([
  {
    name: 'to none of them',
    agents: [withoutPair('a'), withoutPair('b', hash)],
    condition: {
      status: 'False',
      reason: 'CertificateMissing',
      message: `saw no tls.crt and tls.key of Secret ai/tls: a serves nothing and is not ready, b goes on with settings ${hash}, without HTTPS; wanted nginx to serve HTTPS with them, as the settings ${securedHash} of ConfigMap ai/generation-nginx have it; next: create that Secret, of type kubernetes.io/tls, and mount it where --tls-folder of the agent leads, and wait a minute or two until the kubelet has seen it; or leave nginx.tlsSecretRef out`,
    },
  },
  {
    name: 'nobody any more',
    agents: [withoutPair('a', securedHash, true)],
    condition: {
      status: 'False',
      reason: 'CertificateMissing',
      message: expect.stringContaining(
        ': a goes on with the pair that it took last, and a new Pod would not be ready; wanted',
      ),
    },
  },
  {
    name: 'a new Pod of ours',
    agents: [withoutPair('a'), withoutPair('b', hash)],
    isManaged: true,
    condition: {
      reason: 'CertificateMissing',
      message: expect.stringMatching(
        /: a serves nothing and is not ready; wanted .* next: create .* kubernetes.io\/tls, and wait .*; or/,
      ),
    },
  },
  {
    name: 'a Pod of ours that is about to be replaced',
    agents: [says('a', undefined), withoutPair('b', hash)],
    isManaged: true,
    condition: { reason: 'PodsBehind' },
  },
])('says to whom HTTPS was declared and no certificate given: $name', ({ agents, isManaged = false, condition }) => {
  const nginx = { ...unit.nginx, tlsSecretRef: { name: 'tls' } };
  const observed = { configMap: configMap({ 'settings.json': secured.text }), agents };
  const given = { nginx, gateway: isManaged ? gateway : undefined };
  expect(planned(observed, given).condition).toMatchObject(condition);
});
