import { Type, type Static } from 'typebox';

/** What an agent says of its nginx, on /status. */

/** Name of the container's port; the number where no port has the name. */
export const agentPort = { name: 'genops-agent', number: 8_089 } as const;

const hash = (description: string) => Type.String({ pattern: '^[0-9a-f]{12}$', description });

const percent = (description: string) => Type.Number({ minimum: 0, maximum: 100, description });

const PodWeight = Type.Object({
  server: Type.String({ maxLength: 60, description: 'Address and port.' }),
  pod: Type.Optional(Type.String({ maxLength: 253, description: 'Its name.' })),
  weight: Type.Integer({ minimum: 1, maximum: 100, description: 'In force.' }),
  why: Type.String({ maxLength: 40, description: 'One word for why; Pending: it was not weighed yet.' }),
  target: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Where steps lead.' })),
  serviceMs: Type.Optional(Type.Number({ minimum: 0, description: 'What a request takes, without its queue.' })),
  errorPercent: Type.Optional(percent('Of its requests.')),
  requests: Type.Optional(Type.Integer({ minimum: 0, description: 'That serviceMs rests on.' })),
});
export type PodWeight = Static<typeof PodWeight>;

const UpstreamWeights = Type.Object({
  mode: Type.String({ maxLength: 20, description: 'Adaptive, Static or Equal.' }),
  busyPercent: Type.Optional(percent('Of all slots, in the last interval.')),
  effectPercent: Type.Optional(percent('How strongly service times move weights.')),
  problem: Type.Optional(Type.String({ maxLength: 500, description: 'Why labels of Pods are not known.' })),
  pods: Type.Array(PodWeight, { maxItems: 1_000 }),
});
export type UpstreamWeights = Static<typeof UpstreamWeights>;

export const LoadBalancerReport = Type.Object({
  version: Type.Literal(1, { description: 'Of this format.' }),
  serverVersion: Type.String({ maxLength: 40, pattern: '^[0-9A-Za-z.+~-]*$', description: 'Of nginx.' }),
  capabilities: Type.Array(Type.String({ maxLength: 40 }), { maxItems: 32, description: 'What this build can.' }),
  loaded: Type.Optional(
    Type.Object({
      hash: hash('Of the settings that nginx serves.'),
      method: Type.String({ maxLength: 20, description: 'How a Pod is chosen.' }),
      https: Type.Boolean({ description: 'Whether it listens for HTTPS.' }),
      servers: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { description: 'Pods of each upstream.' }),
      unusable: Type.Optional(
        Type.Record(Type.String(), Type.Union([Type.Literal('NoService'), Type.Literal('NoPort')]), {
          description: 'Upstreams whose Service is not there, or has Pods and no such port.',
        }),
      ),
      weights: Type.Record(Type.String(), UpstreamWeights, { description: 'Of the Pods of each upstream, and why.' }),
    }),
  ),
  rejected: Type.Optional(
    Type.Object({
      hash: Type.Optional(hash('Of the settings that are not served; absent where they cannot be read.')),
      message: Type.String({ description: 'Why, in the words of nginx, of each thing that it does not take.' }),
      isSilent: Type.Optional(Type.Boolean({ description: 'nginx does not react, and has not said why.' })),
    }),
  ),
  isWithoutPair: Type.Optional(
    Type.Boolean({
      description: 'It is to have a certificate and key, and there are none; loaded says what it serves.',
    }),
  ),
  drainingWorkers: Type.Integer({
    minimum: 0,
    description: 'Workers of earlier configurations that still end requests.',
  }),
  loads: Type.Integer({ minimum: 0, description: 'Configurations loaded since the agent began.' }),
});
export type UnusableServices = NonNullable<NonNullable<LoadBalancerReport['loaded']>['unusable']>;
export type LoadBalancerReport = Static<typeof LoadBalancerReport>;
