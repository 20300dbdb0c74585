import { expect, test } from '@jest/globals';
import type { KubeObject, Manifest } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { generationServices, secrets } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, namespaces, startWorld, type World } from '../world/world.ts';

const pods = resource<KubeObject>({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });

/** A Pod that nobody runs and that does not go: while it is there, a namespace that is being deleted keeps the rest of what is in it. */
const lingering: Manifest = {
  metadata: { name: 'lingering', finalizers: ['example.com/linger'] },
  spec: {
    schedulerName: 'nobody',
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'app',
        image: 'registry.k8s.io/pause:3.10',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
};
const linger = ({ kube, namespace, signal }: World) =>
  kube.create(pods, { ...lingering, metadata: { ...lingering.metadata, namespace } }, {}, signal);
const lingerNoMore = ({ kube, namespace, signal }: World) =>
  kube.patch(pods, `${namespace}/lingering`, [{ op: 'remove', path: '/metadata/finalizers' }], {}, signal);

interface Line {
  readonly level: string;
  readonly message: string;
}
const linesOf = ({ operator }: World): readonly Line[] =>
  operator
    .log()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

test('a namespace that is deleted with its Redis ends well before the two minutes of Restore, and nothing of it is worth a warning', async () => {
  await using world = await startWorld({ redis: [{}], operator: ['--no-leader-elect', '--log-level', 'info'] });
  await world.apply(deployment());
  await world.apply(
    generationService({ deletionPolicy: 'Restore', redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }),
  );
  await world.eventually(async () =>
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
  );
  await linger(world);
  await world.kube.delete(namespaces, world.namespace, {}, world.signal);

  // What goes is not made anew: the API server refuses that now.
  await world.delete(horizontalPodAutoscalers, 'generation-workflow-hpa');
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Failed' }),
  );
  expect(message).toContain('being terminated');

  world.operator.freeze(); // so that it sees everything go at once
  await world.redis[0]?.kill();
  await lingerNoMore(world);
  await world.eventually(async () => {
    expect((await world.service()).metadata.deletionTimestamp).toBeDefined();
    expect(await world.get(secrets, 'redis')).toBeUndefined();
  });
  world.operator.thaw();

  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  await world.eventually(
    async () => expect(await world.kube.get(namespaces, world.namespace, world.signal)).toBeUndefined(),
    { withinMs: 60_000 },
  );
  expect(linesOf(world).filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  expect(linesOf(world).filter(({ message: said }) => said.startsWith('not put back'))).toHaveLength(1);
});
