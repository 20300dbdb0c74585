import { isDeepStrictEqual } from 'node:util';
import { problemMessage } from '../../api/problem.ts';
import { controllerOf, type KubeObject, type Manifest, type OwnerReference } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';
import { differences } from '../differences.ts';
import type { LeverChange, PlannedCondition, UnitMemory } from '../lever.ts';
import { gatewayHash, gatewayObjects, type Gateway, type GatewayObject } from './gateway.ts';

/** Objects with the gateway's name, whoever made them, as they are. */
export type GatewaySeen = readonly { readonly resource: Resource; readonly object: KubeObject }[];

export type GatewayChange = LeverChange &
  (
    | { readonly kind: 'apply'; readonly resource: Resource; readonly manifest: Manifest }
    | { readonly kind: 'delete'; readonly resource: Resource; readonly name: string; readonly uid: string }
  );

export interface GatewayPlan {
  readonly changes: readonly GatewayChange[];
  /** Of the objects that are wanted; undefined: none are. */
  readonly hash?: string;
  /** Why nothing is done. */
  readonly problem?: PlannedCondition;
}

interface Wanted {
  readonly gateway: Gateway;
  /** Undefined: nobody has told the operator of one. */
  readonly image: string | undefined;
  readonly seen: GatewaySeen;
  /** Why the one that runs cannot be looked at; undefined: it can, or there is none. */
  readonly denied: string | undefined;
  readonly memory: UnitMemory | undefined;
}

/** The gateway as it is declared: made, kept, never anybody else's. */
export function planGateway({ gateway, seen, denied, memory, ...given }: Wanted): GatewayPlan {
  const known = memory?.applied?.['gateway'];
  const image = given.image ?? imageOf(seen);
  const held = (problem: PlannedCondition) => ({
    changes: [],
    problem,
    ...(known === undefined ? {} : { hash: known }),
  });
  if (denied !== undefined) return held(imageGone(gateway, denied));
  const foreign = seen.find(({ object }) => !isOurs(object, gateway.owner));
  if (foreign !== undefined) return held(conflict(foreign, gateway));
  if (image === undefined) return held(withoutImage);
  const objects = gatewayObjects(gateway, image);
  const hash = gatewayHash(objects);
  const isKnown = known === hash && memory?.unconfirmed === undefined;
  const applied = objects.flatMap((wanted) => applying(wanted, seen, isKnown ? 'Drift' : 'Declared'));
  const surplus = seen.filter(({ resource }) => !objects.some((wanted) => wanted.resource.kind === resource.kind));
  return { changes: [...applied, ...surplus.map(deletion)], hash };
}

/** What of a gateway there is though none is declared. What is not ours stays; those who use an object go before it. */
export const planNoGateway = (seen: GatewaySeen, owner: OwnerReference): readonly GatewayChange[] =>
  seen
    .filter(({ object }) => isOurs(object, owner))
    .toReversed()
    .map(deletion);

const isOurs = (object: KubeObject, owner: OwnerReference): boolean => controllerOf(object)?.uid === owner.uid;

function applying(
  { resource, manifest }: GatewayObject,
  seen: GatewaySeen,
  cause: LeverChange['cause'],
): readonly GatewayChange[] {
  const found = seen.find((one) => one.resource.kind === resource.kind)?.object;
  if (found === undefined) {
    const differing = [{ field: resource.kind, to: manifest.metadata.name }];
    return [{ kind: 'apply', cause, resource, manifest, differences: differing }];
  }
  const { metadata, ...rest } = manifest;
  const wanted = { ...rest, metadata: { labels: metadata.labels } };
  const differing = differences(found, wanted, resource.kind, (_field, from, to) => isDeepStrictEqual(from, to));
  return differing.length === 0 ? [] : [{ kind: 'apply', cause, resource, manifest, differences: differing }];
}

function deletion({ resource, object: { metadata } }: GatewaySeen[number]): GatewayChange {
  const { name, uid } = metadata;
  const differing = [{ field: resource.kind, from: name, to: '(none)' }];
  return { kind: 'delete', cause: 'Declared', resource, name, uid, differences: differing };
}

/** What it runs already, for who is told of no other (genops diff). */
function imageOf(seen: GatewaySeen): string | undefined {
  const deployment = seen.find(({ resource }) => resource.kind === 'Deployment')?.object as
    | { readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } } } }
    | undefined;
  return deployment?.spec?.template?.spec?.containers?.find(({ name }) => name === 'nginx')?.image;
}
interface Container {
  readonly name: string;
  readonly image?: string;
}

function conflict({ resource }: GatewaySeen[number], { namespace, name }: Gateway): PlannedCondition {
  const message = problemMessage({
    saw: `${resource.kind} ${namespace}/${name} that somebody else made`,
    wanted: 'that name for nginx',
    next: 'delete or rename it, or run nginx of your own and name it by loadBalancer.nginx.podSelector',
  });
  return { status: 'False', reason: 'Conflict', message };
}

/** An operator that had an image once: what it made runs on without it. */
const imageGone = ({ namespace, name }: Gateway, denied: string): PlannedCondition => ({
  status: 'False',
  reason: 'Failed',
  message: problemMessage({
    saw: `loadBalancer.nginx.managed, Deployment ${namespace}/${name} that runs, and an operator that is not told its image and so may not look after it (${denied})`,
    wanted: 'the image of nginx with the agent, with which the rights come',
    next: 'set nginx.image of the chart again (--nginx-image with config/gateway/role.yaml); nginx serves on meanwhile and is told of settings and Pods',
  }),
});

const withoutImage: PlannedCondition = {
  status: 'False',
  reason: 'Failed',
  message: problemMessage({
    saw: 'loadBalancer.nginx.managed, and no image of nginx with the agent',
    wanted: 'one to run',
    next: 'build one and start the operator with --nginx-image (nginx.image of the chart; docs/levers/nginx.md)',
  }),
};
