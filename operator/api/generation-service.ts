import { Type, type Static } from 'typebox';
import { Component } from './component.ts';
import type { ObjectMeta } from './metadata.ts';
import { name } from './names.ts';
import { ServiceLoadBalancer } from './nginx.ts';
import { ServiceOverrides } from './performance-policy.ts';
import { cel, crdDefault, listMap, oneOf, struct } from './schema.ts';
import { PostgresServer, RedisServer } from './servers.ts';
import type { GenerationServiceStatus } from './status.ts';

const differentSecrets = cel(
  'self.all(server, self.exists_one(other, other.secretRef.name == server.secretRef.name))',
  { wanted: 'each entry must have a Secret of its own', example: '[{name: cache, secretRef: {name: redis}}]' },
);

export const GenerationServiceSpec = struct(
  {
    mode: crdDefault(
      'Enforce',
      oneOf(['Enforce', 'DryRun', 'Paused'], {
        description:
          'Ceiling of the mode of every part. DryRun plans and reports; Paused only observes: nothing is changed or reverted.',
      }),
    ),
    policyRef: Type.Optional(
      struct(
        { name: name({ description: 'Name of the PerformancePolicy, in the same namespace.' }) },
        { description: 'The policy of the service; without it the defaults hold.' },
      ),
    ),
    overrides: Type.Optional(ServiceOverrides),
    deletionPolicy: crdDefault(
      'Retain',
      oneOf(['Retain', 'Restore'], {
        description:
          'What happens to changed settings when this object is deleted. Retain leaves them; Restore puts back what we recorded changing, within two minutes. An HPA that we made goes with the object either way; the replicas stay.',
      }),
    ),
    components: listMap(Component, {
      maxItems: 8,
      description: 'The workloads of the service, each with its own scaling and resources.',
      rules: [
        // Rather than minItems, whose message has no example.
        cel('self.size() > 0', {
          wanted: 'must have at least one component',
          example: '[{name: workflow, targetRef: {apiVersion: apps/v1, kind: Deployment, name: workflow-execution}}]',
          holds: (self) => Array.isArray(self) && self.length > 0,
        }),
        cel('self.all(component, self.exists_one(other, other.targetRef == component.targetRef))', {
          wanted: 'each target may stand once',
          example: 'one component with targetRef: {apiVersion: apps/v1, kind: Deployment, name: workflow-execution}',
        }),
      ],
    }),
    redis: Type.Optional(
      listMap(RedisServer, {
        maxItems: 4,
        description: 'Redis servers that the service uses.',
        rules: [differentSecrets],
      }),
    ),
    postgres: Type.Optional(
      listMap(PostgresServer, {
        maxItems: 4,
        description: 'PostgreSQL servers that the service uses.',
        rules: [differentSecrets],
      }),
    ),
    loadBalancer: Type.Optional(ServiceLoadBalancer),
  },
  {
    description: 'The service: its workloads, its servers and how far genops may go.',
    rules: [
      cel(
        '!has(self.loadBalancer) || !has(self.loadBalancer.nginx) || !has(self.loadBalancer.nginx.routes) || self.loadBalancer.nginx.routes.all(route, self.components.exists(component, component.name == route.component && has(component.serviceRef)))',
        {
          wanted: 'each component of loadBalancer.nginx.routes must exist and have a serviceRef',
          example: 'components: [{name: workflow, serviceRef: {name: generation}}]',
        },
      ),
    ],
  },
);
export type GenerationServiceSpec = Static<typeof GenerationServiceSpec>;

/** A service whose performance is looked after. `spec` has the defaults that the API server fills in. */
export interface GenerationService {
  readonly apiVersion: 'genops.dev/v1alpha1';
  readonly kind: 'GenerationService';
  readonly metadata: ObjectMeta;
  readonly spec: GenerationServiceSpec;
  readonly status?: GenerationServiceStatus;
}
