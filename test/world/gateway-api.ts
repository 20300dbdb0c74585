import { connectKube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import type { Manifest } from '../../operator/kube/object.ts';
import { httpRoutes } from '../../operator/levers/http-route/route.ts';
import { eventually } from './eventually.ts';
import { releasedKind } from './released-kind.ts';
import { customResourceDefinitions, kubeconfigPath, type World } from './world.ts';

/** HTTPRoute as the release of the Gateway API has it. No controller is there. */
export async function installHttpRouteKind({ kube, signal }: Pick<World, 'kube' | 'signal'>): Promise<void> {
  await kube.apply(customResourceDefinitions, await definition(), { manager: 'genops-test', force: true }, signal);
  await eventually(() => kube.list(httpRoutes, { namespace: 'default' }, signal));
}

/** As if it had never been installed. */
export async function removeHttpRouteKind(): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  await using kube = connectKube(await loadConfig({ kubeconfig: kubeconfigPath() }), { userAgent: 'genops-test' });
  const { name } = (await definition()).metadata;
  await kube.delete(customResourceDefinitions, name, {}, signal);
  await eventually(async () => {
    if ((await kube.get(customResourceDefinitions, name, signal)) !== undefined) throw new Error(`${name} is there`);
  });
}

const definition = (): Promise<Manifest> =>
  releasedKind('sigs.k8s.io/gateway-api@v1.4.0', 'config/crd/standard/gateway.networking.k8s.io_httproutes.yaml');
