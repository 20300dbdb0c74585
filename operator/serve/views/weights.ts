import { Type, type Static } from 'typebox';
import { figure, textOrNull, view, type NginxWeightsInput } from './figures.ts';

const PodWeight = view('One Pod.', {
  server: Type.String({ description: 'Address and port.' }),
  pod: textOrNull('Its name.'),
  weight: Type.Integer({ description: 'In force, 1 to 100.' }),
  target: figure('Where steps lead.'),
  why: Type.String({
    description:
      'Measured, Failing, WithinBand, SlowStart, TooFewRequests, NoRequests, Expired, GapsInLog, Pending; Label, NoLabel, NotAWeight; or Equal.',
  }),
  serviceMs: figure('What a request takes, without its queue.'),
  errorPercent: figure('Of its requests.'),
  requests: figure('That serviceMs rests on.'),
});

export const NginxWeights = view('Which part of the requests each Pod of a component gets of one nginx, and why.', {
  nginx: Type.String({ description: 'Name of its Pod.' }),
  component: Type.String({ description: 'Name in the spec.' }),
  mode: Type.String({ description: 'Adaptive, Static or Equal.' }),
  busyPercent: figure('Of all slots, in the last interval.'),
  effectPercent: figure('How strongly service times move weights: less the busier they are.'),
  pods: Type.Array(PodWeight),
});
export type NginxWeights = Static<typeof NginxWeights>;

export const nginxWeights = ({ nginx, component, weights }: NginxWeightsInput): NginxWeights => ({
  nginx,
  component,
  mode: weights.mode,
  busyPercent: weights.busyPercent ?? null,
  effectPercent: weights.effectPercent ?? null,
  pods: weights.pods.map(({ server, pod, weight, target, why, serviceMs, errorPercent, requests }) => ({
    server,
    pod: pod ?? null,
    weight,
    target: target ?? null,
    why,
    serviceMs: serviceMs ?? null,
    errorPercent: errorPercent ?? null,
    requests: requests ?? null,
  })),
});
