import { expect, test } from '@jest/globals';
import { endpointSlices } from '../../operator/kube/endpoint-slice.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld } from '../world/world.ts';
import { agentKubeconfig, behindNginx, nginxPod, slice, startNginxAgent } from './nginx-agent-world.ts';
import { ask, backend } from './nginx-world.ts';

const operator = ['--no-leader-elect', '--allow-metric-address', '127.0.0.0/8'];

test('a Service that is not there is told, and comes and goes by itself with what the Service leads to', async () => {
  await using world = await startWorld({ operator });
  await using agent = await startNginxAgent({
    version: '1.31',
    namespace: world.namespace,
    configMap: 'generation-nginx',
    kubeconfig: (folder) => agentKubeconfig(world, folder),
    entry: '.cache/test/genops.mjs',
  });
  await using pod = await backend((_incoming, response) => void response.end('here'));
  const says = (status: 'True' | 'False', reason: string, ...parts: readonly string[]) =>
    world.eventually(
      async () => {
        const { message } = expectCondition(await world.service(), 'LoadBalancerApplied', { status, reason });
        for (const part of parts) expect(message).toContain(part);
      },
      { withinMs: 60_000 }, // the operator looks each half minute while all is well
    );
  const status = async () => (await ask(agent.port, '/api/x')).status;
  await world.apply(deployment());
  await nginxPod(world, agent.statusPort);
  await world.apply(
    generationService({
      overrides: { loadBalancer: { weights: { minReloadInterval: '0s' } }, horizontal: { mode: 'Off' } },
      ...behindNginx(agent.port),
    }),
  );
  const missing = `saw no Service ${world.namespace}/generation (no EndpointSlice names it), to which requests to workflow go`;
  await says('False', 'ServiceUnusable', missing, 'next: create it');
  expect(await status()).toBe(502);
  expectCondition(await world.service(), 'Ready', { status: 'False', reason: 'ServiceUnusable' });

  await slice(world, 'first', pod.port, false);
  await says('True', 'Applied', `but no Pod of Service ${world.namespace}/generation (workflow) is ready`);
  await slice(world, 'first', pod.port);
  await world.eventually(async () => expect(await status()).toBe(200));
  await world.eventually(
    async () =>
      expect(expectCondition(await world.service(), 'LoadBalancerApplied', { status: 'True' }).message).not.toContain(
        'no Pod',
      ),
    { withinMs: 60_000 },
  );
  await world.kube.delete(endpointSlices, `${world.namespace}/first`, {}, world.signal);
  await says('False', 'ServiceUnusable', missing);
}, 240_000);
