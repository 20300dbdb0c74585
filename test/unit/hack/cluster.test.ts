import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import {
  apiServerArguments,
  controllerManagerArguments,
  etcdArguments,
  type ControlPlaneLayout,
} from '../../../hack/cluster/control-plane-commands.ts';
import { controlPlaneIdentities, kubeconfig } from '../../../hack/cluster/authority.ts';
import { kindConfiguration, kindName } from '../../../hack/cluster/kind.ts';
import {
  insideCommands,
  metricsObjects,
  nodeIdentities,
  outsideCommands,
} from '../../../hack/cluster/local/node-commands.ts';
import { nodeFiles } from '../../../hack/cluster/local/node-files.ts';
import { clusterPlan, slots } from '../../../hack/cluster/local/plan.ts';
import { askedMinor, versionFlags } from '../../../hack/cluster/tools.ts';

const plan = clusterPlan('/var/lib/genops', 3);
const layout: ControlPlaneLayout = {
  folder: '/var/lib/genops/3',
  address: plan.nodeAddress,
  port: 6443,
  serviceRange: plan.serviceRange,
  advertised: true,
  audit: false,
};

describe('clusterPlan()', () => {
  test('gives no two slots an address, a folder or a link in common', () => {
    for (const field of ['folder', 'linkName', 'nodeName', 'range', 'podRange', 'serviceRange', 'nodeAddress'] as const)
      expect(new Set(slots.map((slot) => clusterPlan('/var/lib/genops', slot)[field])).size).toBe(slots.length);
  });

  test('keeps Pods, Services and the cable to the node apart, inside one routed range', () => {
    expect([plan.range, plan.podRange, plan.serviceRange, plan.hostAddress]).toEqual([
      '10.203.0.0/16', // 0.0 to 255.255
      '10.203.0.0/17', // 0.0 to 127.255
      '10.203.128.0/18', // 128.0 to 191.255
      '10.203.255.1',
    ]);
  });

  test.each(slots)('slot %i: interface and socket names fit into what the kernel takes', (slot) => {
    const { linkName, folder } = clusterPlan('/var/lib/genops', slot);
    expect(linkName.length).toBeLessThanOrEqual(15);
    expect(`${folder}/kubelet/device-plugins/kubelet.sock`.length).toBeLessThanOrEqual(107);
  });
});

function audited(audit: boolean): number {
  return apiServerArguments({ ...layout, audit }).filter((argument) => argument.startsWith('--audit')).length;
}

describe('the command lines of the control plane', () => {
  test('etcd and the API server meet at one socket, and no port is opened between them', () => {
    const sockets = etcdArguments(layout).filter((argument) => argument === 'unix:///var/lib/genops/3/etcd.sock');
    expect(sockets).toHaveLength(2);
    expect(apiServerArguments(layout)).toContain('--etcd-servers=unix:///var/lib/genops/3/etcd.sock');
    expect(etcdArguments(layout).join(' ')).not.toContain('http');
  });

  test('the API server is advertised on a node, and on loopback writes no endpoints', () => {
    expect(apiServerArguments(layout)).toContain('--advertise-address=10.203.0.1');
    const onLoopback = apiServerArguments({ ...layout, address: '127.0.0.1', advertised: false });
    expect(onLoopback).toContain('--endpoint-reconciler-type=none');
    expect(onLoopback.some((argument) => argument.startsWith('--advertise-address'))).toBe(false);
  });

  test('requests are logged only where that was asked for', () => {
    expect([audited(false), audited(true)]).toEqual([0, 3]);
  });

  test('the HPA controller looks as often as asked', () => {
    const options = { autoscalerSyncPeriod: '5s', podRange: plan.podRange };
    expect(controllerManagerArguments(layout, options)).toContain('--horizontal-pod-autoscaler-sync-period=5s');
  });
});

describe('identities', () => {
  test('the kubelet is its node and no other: that is what the node authorizer goes by', () => {
    expect(nodeIdentities(plan)['node']).toEqual({
      commonName: 'system:node:genops-node-3',
      organization: 'system:nodes',
      names: ['genops-node-3', '10.203.0.1'],
    });
  });

  test('the API server is trusted under its address and as Pods call it', () => {
    const names = controlPlaneIdentities(['10.203.0.1'])['apiserver']?.names;
    expect(names).toEqual(expect.arrayContaining(['10.203.0.1', 'localhost', 'kubernetes.default.svc']));
  });

  test('a kubeconfig carries its certificates with it', () => {
    const config = parse(kubeconfig('https://10.203.0.1:6443', 'CA', { certificate: 'CERT', key: 'KEY' }));
    expect(config.clusters[0].cluster).toEqual({
      server: 'https://10.203.0.1:6443',
      'certificate-authority-data': Buffer.from('CA').toString('base64'),
    });
    expect(config.users[0].user['client-key-data']).toBe(Buffer.from('KEY').toString('base64'));
  });
});

describe('the node', () => {
  const files = nodeFiles(plan, { debianRoot: '/cache/node/root' });

  test('never throws away a loaded image and never evicts for a full disk', () => {
    const kubelet = parse(files['kubelet.yaml'] ?? '');
    expect(kubelet.imageGCHighThresholdPercent).toBe(100);
    expect(kubelet.evictionHard).toMatchObject({ 'nodefs.available': '0%', 'imagefs.available': '0%' });
  });

  test('keeps its Pods in a cgroup of the cluster', () => {
    expect(parse(files['kubelet.yaml'] ?? '').cgroupRoot).toBe('/genops3');
  });

  test('sends Pods to the DNS server that listens where they are told', () => {
    expect(parse(files['kubelet.yaml'] ?? '').clusterDNS).toEqual(['10.203.0.1']);
    expect(files['Corefile']).toContain('bind 10.203.0.1\n');
  });

  test('touches the machine outside its namespaces with one link and one route', () => {
    const commands = outsideCommands(plan, 42);
    expect(commands[0]).toBe('ip link add genops3 type veth peer name uplink netns 42');
    expect(
      commands.every((command) => command.includes('genops3') || command.startsWith('ip route add 10.203.0.0/16 ')),
    ).toBe(true);
    expect(insideCommands(plan)).toContain('ip address add 10.203.0.1/32 dev lo');
  });

  test('serves metrics.k8s.io behind a Service without selector, under a certificate that the API server trusts', () => {
    const [service, slice, apiService] = metricsObjects(plan, 'CA');
    expect(service).not.toHaveProperty('spec.selector');
    expect(slice).toMatchObject({ endpoints: [{ addresses: ['10.203.0.1'] }] });
    expect(apiService).toMatchObject({ spec: { caBundle: Buffer.from('CA').toString('base64') } });
  });
});

describe('kind', () => {
  test('has one node and the HPA period that the local provider has', () => {
    const config = kindConfiguration('5s');
    expect(config.nodes).toEqual([{ role: 'control-plane' }]);
    expect(parse(config.kubeadmConfigPatchesJSON6902[0]?.patch ?? '')).toEqual([
      {
        op: 'add',
        path: '/controllerManager/extraArgs/-',
        value: { name: 'horizontal-pod-autoscaler-sync-period', value: '5s' },
      },
    ]);
  });

  test("does not take a name that is somebody else's", () => {
    expect(kindName('default')).toBe('genops-default');
  });
});

describe('versionFlags()', () => {
  const goMod =
    'module x\n\nrequire (\n\tk8s.io/api v0.37.2\n\tk8s.io/kubernetes v1.37.2\n)\n\nreplace k8s.io/api => k8s.io/api v0.1.0\n';

  test('stamps the version that go.mod requires', () => {
    expect(versionFlags({ 'a/version.gitVersion': 'k8s.io/kubernetes' }, goMod)).toBe(
      '-X a/version.gitVersion=v1.37.2',
    );
  });

  test('does not invent one', () => {
    expect(() => versionFlags({ a: 'k8s.io/kube' }, goMod)).toThrow('go.mod requires no k8s.io/kube');
  });
});

describe('GENOPS_KUBERNETES', () => {
  test.each([
    ['asks for the newest where it is not there', {}, undefined],
    ['or empty', { GENOPS_KUBERNETES: '' }, undefined],
    ['and else for one that hack/tools pins', { GENOPS_KUBERNETES: '1.34' }, '1.34'],
  ])('%s', (_, env, wanted) => {
    expect(askedMinor(env)).toBe(wanted);
  });

  test('is refused for any other, with those that there are', () => {
    expect(() => askedMinor({ GENOPS_KUBERNETES: '1.12' })).toThrow('saw GENOPS_KUBERNETES=1.12; wanted 1.34; next:');
  });

  test('is by default of make test-minor the oldest minor that the chart takes, and the module pins that', () => {
    const [, oldest = ''] =
      /kubeVersion: '>=(\d+\.\d+)\.0-0'/.exec(readFileSync('charts/genops/Chart.yaml', 'utf8')) ?? [];
    expect(askedMinor({ GENOPS_KUBERNETES: oldest })).toBe(oldest);
    expect(readFileSync('Makefile', 'utf8')).toContain(`KUBERNETES ?= ${oldest}\n`);
    expect(readFileSync(`hack/tools/kubernetes-${oldest}/go.mod`, 'utf8')).toContain(`k8s.io/kubernetes v${oldest}.`);
  });
});
