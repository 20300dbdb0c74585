import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { parse } from 'yaml';
import { createAuthority, issueCertificate, type KeyPair } from '../../hack/cluster/certificate.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { gatewayKinds } from '../../operator/levers/load-balancer/gateway.ts';
import { podResource, projectPod, stateOf } from '../../operator/metrics/pod-view.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { restricted } from '../world/ready-pod.ts';
import { untilRight } from '../world/rights.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';
import { ask, keepAsking } from './nginx-world.ts';

const image = 'genops-nginx:dev';
const name = 'generation-nginx';
type LoadBalancer = GenerationServiceSpec['loadBalancer'];

/** Says which Pod it is; /slow takes its time. */
const program = `require('node:http').createServer((q, s) => setTimeout(() => s.end(process.env.HOSTNAME), q.url === '/slow' ? 4000 : 0)).listen(8080)`;

/** Of the Service, which is another once it was deleted. */
async function addressOf(world: World): Promise<string> {
  const service = await world.get(kindOf('Service'), name);
  const { clusterIP = '' } = (service?.['spec'] ?? {}) as { readonly clusterIP?: string };
  return clusterIP;
}

/** Whose certificate somebody has there. */
async function nameAt(at: { readonly host: string; readonly port: number; readonly ca: string }): Promise<unknown> {
  const socket = connectTls({ ...at, servername: 'localhost' });
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer: a Pod that has gone'))); // the Service may lead there yet
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

/** One of those that the operator of a world has with `allowGateway` only. */
const gatewayRight = ({ namespace }: World) =>
  ({ user: `genops-${namespace}`, verb: 'get', group: '', resource: 'services' }) as const;

/** What the chart gives the operator with nginx.image, in this namespace. */
async function allowGateway(world: World): Promise<void> {
  const text = await readFile(join(import.meta.dirname, '../../config/gateway/role.yaml'), 'utf8');
  const [role = ''] = text.split('\n---\n');
  const { rules } = parse(role) as { readonly rules: unknown };
  const group = 'rbac.authorization.k8s.io';
  const metadata = { name: 'tested-operator-gateway' };
  await world.apply({ apiVersion: `${group}/v1`, kind: 'Role', metadata, rules });
  const roleRef = { apiGroup: group, kind: 'Role', name: metadata.name };
  const subjects = [{ apiGroup: group, kind: 'User', name: `genops-${world.namespace}` }];
  await world.apply({ apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata, roleRef, subjects });
  await untilRight(world, gatewayRight(world));
}

const kindOf = (kind: string) => {
  const found = gatewayKinds.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`a gateway has no ${kind}`);
  return found;
};

let visits = 0;
const declare = (world: World, loadBalancer: LoadBalancer, mode: 'Enforce' | 'DryRun' | 'Off' = 'Enforce') =>
  world.apply(
    generationService(
      {
        overrides: { horizontal: { mode: 'Off' }, loadBalancer: { mode } },
        components: [
          {
            name: 'workflow',
            targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
            serviceRef: { name: 'generation', port: 'http' },
          },
        ],
        ...(loadBalancer === undefined ? {} : { loadBalancer }),
      },
      { annotations: { 'genops.dev/visit': String((visits += 1)) } },
    ),
  );
const managed = (replicas: number): LoadBalancer => ({ type: 'Nginx', nginx: { managed: { replicas } } });

const told = (world: World, status: 'True' | 'False', reason: string) =>
  world.eventually(async () => expectCondition(await world.service(), 'LoadBalancerApplied', { status, reason }), {
    withinMs: 90_000,
  });
const thereOf = async (world: World): Promise<readonly string[]> => {
  const found = await Promise.all(gatewayKinds.map((kind) => world.get(kind, name)));
  return found.flatMap((object) => (object === undefined ? [] : [object.kind]));
};
const gateways = async (world: World) =>
  (
    await world.kube.list(
      podResource,
      { namespace: world.namespace, labelSelector: `app.kubernetes.io/instance=${name}` },
      world.signal,
    )
  )
    .map(projectPod)
    .filter((pod) => stateOf(pod) === 'Ready');

/** Of the component's Pods. */
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'generation' },
  spec: { selector: { app: 'workflow-execution' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
};

test('genops runs nginx: it says what that takes, serves, loses no request with a Pod, is kept as declared and goes when it is wanted no more', async () => {
  await clusterTools(['nginx'], AbortSignal.timeout(100_000));
  await using world = await startWorld({ operator: ['--no-leader-elect', '--nginx-image', image] });
  const command = ['/usr/bin/node', '-e', program];
  const container = { image, imagePullPolicy: 'Never', command, securityContext: restricted };
  await world.apply(deployment('workflow-execution', { replicas: 2, ...container }));
  await world.apply(service);
  await declare(world, managed(2));
  expect((await told(world, 'False', 'PermissionDenied')).message).toMatch(
    /cannot get resource "(serviceaccounts|roles|rolebindings|services|deployments|poddisruptionbudgets)"/, // whichever answers first
  );

  await allowGateway(world);
  await declare(world, managed(2));
  expect((await told(world, 'True', 'Applied')).message).toMatch(/^All 2 Pods serve the settings/);
  expect(await thereOf(world)).toEqual(gatewayKinds.map(({ kind }) => kind));
  const clusterIP = await addressOf(world);
  const answered = async () => (await ask({ host: clusterIP, port: 80 }, '/')).body;
  const pods = new Set<string>();
  await world.eventually(async () => {
    pods.add(await answered());
    expect(pods.size).toBe(2);
  });

  const [leaving] = await gateways(world);
  const slow = ask({ host: leaving?.ip ?? '', port: 8080 }, '/slow');
  const failed: string[] = [];
  {
    await using _ = keepAsking(() => answered().catch((error: unknown) => failed.push(String(error))));
    await world.delete(podResource, leaving?.name ?? '');
    expect((await slow).status).toBe(200);
    await world.eventually(
      async () => expect((await gateways(world)).map((pod) => pod.name)).not.toContain(leaving?.name),
      { withinMs: 60_000 },
    );
    await world.eventually(async () => expect(await gateways(world)).toHaveLength(2), { withinMs: 60_000 });
  }
  expect(failed).toEqual([]);

  await world.delete(kindOf('Service'), name);
  await declare(world, managed(2));
  await world.eventually(async () => expect(await thereOf(world)).toContain('Service'));
  await world.eventually(async () =>
    expect(await world.operator.counter('genops_drift_total', { lever: 'load-balancer' })).toBe(1),
  );

  await declare(world, managed(1));
  await world.eventually(async () => expect(await thereOf(world)).not.toContain('PodDisruptionBudget'));
  await world.eventually(async () => expect((await told(world, 'True', 'Applied')).message).toMatch(/^The Pod serves/));

  const authority = createAuthority('genops-test');
  const pair = issueCertificate({ commonName: 'front', names: ['localhost'] }, authority);
  const stringData = { 'tls.crt': pair.certificate, 'tls.key': pair.key };
  const metadata = { name: 'front-tls' };
  await declare(world, { type: 'Nginx', nginx: { managed: { replicas: 1 }, tlsSecretRef: metadata } });
  expect((await told(world, 'False', 'CertificateMissing')).message).toMatch(
    /^saw no tls.crt and tls.key of Secret \S+\/front-tls: \S+ serves nothing and is not ready; .*; next: create that Secret/,
  );
  expect((await ask({ host: await addressOf(world), port: 80 }, '/')).status).toBe(200); // the Pod of before goes on until another is ready
  await world.apply({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData });
  await world.eventually(
    async () => expect((await told(world, 'True', 'Applied')).message).not.toContain('HTTP only'),
    { withinMs: 150_000 }, // the kubelet looks for a Secret that was not there each minute or so
  );
  const secure = { host: await addressOf(world), port: 443, ca: authority.certificate };
  await world.eventually(async () => expect(await nameAt(secure)).toBe('front'), { withinMs: 60_000 });

  await declare(world, undefined);
  await world.eventually(async () => expect(await thereOf(world)).toEqual([]));
  await world.eventually(async () =>
    expect((await world.service()).status?.conditions?.map(({ type }) => type)).not.toContain('LoadBalancerApplied'),
  );
}, 400_000);

test('nginx that genops runs goes once it may, also where a route has taken its place meanwhile', async () => {
  await using world = await startWorld({ operator: ['--no-leader-elect', '--nginx-image', image] });
  await allowGateway(world);
  await world.apply(deployment());
  await declare(world, managed(1));
  const all = gatewayKinds.map(({ kind }) => kind).filter((kind) => kind !== 'PodDisruptionBudget');
  await world.eventually(async () => expect(await thereOf(world)).toEqual(all));

  const route: LoadBalancer = { type: 'HTTPRoute', httpRoute: { name: 'front' } };
  await world.delete(kindOf('RoleBinding'), 'tested-operator-gateway');
  await untilRight(world, gatewayRight(world), 'refused');
  await declare(world, route);
  expect((await told(world, 'False', 'PermissionDenied')).message).toContain('cannot get resource');
  await declare(world, route, 'Off');
  expect((await told(world, 'True', 'Off')).message).toContain('nginx is switched off');
  await allowGateway(world);
  await declare(world, route, 'DryRun');
  expect((await told(world, 'False', 'RouteUnusable')).message).toContain('nginx: Would change');
  expect(await thereOf(world)).toEqual(all);
  await declare(world, route);
  await world.eventually(async () => expect(await thereOf(world)).toEqual([]));
});

test('an operator that is told no image any more says that, and not which right went with it; its nginx gets settings all the same', async () => {
  await using world = await startWorld({ operator: ['--no-leader-elect'] });
  await world.apply(deployment());
  await world.apply(deployment(name)); // as an operator with an image left it
  await declare(world, managed(1));
  expect((await told(world, 'False', 'Failed')).message).toMatch(
    /Deployment \S+\/generation-nginx that runs, and an operator that is not told its image .*; next: set nginx\.image/,
  );
  await world.eventually(async () => expect(await world.get(configMaps, name)).toBeDefined());
});

test('an image that cannot be had is said in the word of the kubelet', async () => {
  await using world = await startWorld({ operator: ['--no-leader-elect', '--nginx-image', 'localhost/none:dev'] });
  await allowGateway(world);
  await world.apply(deployment());
  await declare(world, managed(1));
  await world.eventually(
    async () =>
      expect((await told(world, 'False', 'PodsBehind')).message).toMatch(
        /cannot be read \(its container waits: (ErrImagePull|ImagePullBackOff); .*; next: .* kubectl describe the Pod/,
      ),
    { withinMs: 90_000 },
  );
});

test('a new Pod with a certificate that nginx does not take is not ready, and those that have one go on', async () => {
  await using world = await startWorld({ operator: ['--no-leader-elect', '--nginx-image', image] });
  await allowGateway(world);
  await world.apply(deployment());
  await world.apply(service);
  const authority = createAuthority('genops-test');
  const issue = (commonName: string) => issueCertificate({ commonName, names: ['localhost'] }, authority);
  const [front, renewed] = [issue('front'), issue('renewed')];
  const metadata = { name: 'front-tls' };
  const secret = ({ certificate, key }: KeyPair) => {
    const stringData = { 'tls.crt': certificate, 'tls.key': key };
    return world.apply({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData });
  };
  const secured = (replicas: number): LoadBalancer => ({
    type: 'Nginx',
    nginx: { managed: { replicas }, tlsSecretRef: metadata },
  });
  const served = async (): Promise<unknown> => {
    const host = await addressOf(world);
    const { status } = await ask({ host, port: 80 }, '/');
    return [status, await nameAt({ host, port: 443, ca: authority.certificate })];
  };
  await secret(front);
  await declare(world, secured(1));
  await told(world, 'True', 'Applied');
  await world.eventually(async () => expect(await served()).toEqual([308, 'front']));

  await secret({ ...front, key: renewed.key });
  await declare(world, secured(2));
  const [first] = await gateways(world);
  await world.eventually(
    async () => {
      const { message } = await told(world, 'False', 'ConfigRejected');
      expect(message).toMatch(/key values mismatch.* is not ready where that is nothing/);
      const refusing = [...message.matchAll(/(generation-nginx-\S+): SSL_CTX/g)].map(([, pod]) => pod);
      expect(refusing).toContainEqual(expect.not.stringMatching(`^${first?.name}$`)); // the first one too, once its kubelet has looked
    },
    { withinMs: 90_000 },
  );
  for (let asked = 0; asked < 20; asked += 1) expect(await served()).toEqual([308, 'front']);
  expect(await gateways(world)).toHaveLength(1);

  await secret(renewed);
  await world.eventually(async () => expect(await gateways(world)).toHaveLength(2), { withinMs: 150_000 }); // a kubelet looks each minute or so
}, 300_000);
