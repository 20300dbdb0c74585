/** Shapes of autoscaling/v2, field for field: what is written here can be copied from and to a HorizontalPodAutoscaler. */
import { Type } from 'typebox';
import { name } from './names.ts';
import { atomicList, cel, moreThanNothing, oneOf, orElse, property, quantity, struct } from './schema.ts';
import { servedMetrics } from './served-metrics.ts';

const MetricTarget = struct(
  {
    type: oneOf(['Utilization', 'AverageValue', 'Value'], {
      description: 'Which of the other fields holds the target.',
    }),
    averageUtilization: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        examples: [70],
        description: 'Average over all pods, in percent of the request.',
      }),
    ),
    averageValue: Type.Optional(
      quantity({ description: 'Average over all pods, for example "100".', rules: [moreThanNothing()] }),
    ),
    value: Type.Optional(quantity({ description: 'Value of the metric as a whole.' })),
  },
  {
    description: 'What the autoscaler steers towards.',
    examples: [{ type: 'Utilization', averageUtilization: 70 }],
    rules: [
      cel(
        "self.type == 'Utilization' ? has(self.averageUtilization) : self.type == 'AverageValue' ? has(self.averageValue) : has(self.value)",
        { wanted: 'must hold the field that its type names', example: 'type: Utilization with averageUtilization: 70' },
      ),
    ],
  },
);

const Selector = struct(
  {
    matchLabels: Type.Optional(
      Type.Unsafe<Record<string, string>>({
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 63 },
        maxProperties: 16,
        examples: [{ app: 'web' }],
        description: 'Labels that have to have these values.',
      }),
    ),
    matchExpressions: Type.Optional(
      atomicList(
        struct(
          {
            key: Type.String({ maxLength: 317, description: 'Name of the label.', examples: ['app'] }),
            operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist'], { description: 'How the label is compared.' }),
            values: Type.Optional(
              atomicList(Type.String({ maxLength: 63, examples: ['web'] }), {
                maxItems: 16,
                description: 'Values for In and NotIn.',
              }),
            ),
          },
          { description: 'One condition on a label.', examples: [{ key: 'app', operator: 'Exists' }] },
        ),
        { maxItems: 8, description: 'Conditions on labels; all have to hold.' },
      ),
    ),
  },
  { description: 'Which series of the metric are meant.' },
);

const resource = () => oneOf(['cpu', 'memory'], { description: 'The resource: cpu or memory.' });

export const MetricSpec = struct(
  {
    type: oneOf(['Resource', 'ContainerResource', 'Pods'], {
      description:
        'Resource: CPU or memory of whole pods. ContainerResource: of one container. Pods: a metric that each pod has.',
    }),
    resource: Type.Optional(
      struct({ name: resource(), target: MetricTarget }, { description: 'CPU or memory of whole pods.' }),
    ),
    containerResource: Type.Optional(
      struct(
        { name: resource(), container: name({ description: 'Name of the container.' }), target: MetricTarget },
        { description: 'CPU or memory of one container of each pod.' },
      ),
    ),
    pods: Type.Optional(
      struct(
        {
          metric: struct(
            {
              name: Type.String({
                minLength: 1,
                maxLength: 200,
                examples: ['requests_per_second'],
                description: 'Name of the metric, for example requests_per_second.',
              }),
              selector: Type.Optional(Selector),
            },
            {
              description: 'Which metric.',
              rules: servedMetrics.map((served) =>
                cel(`self.name != '${served}' || !has(self.selector)`, {
                  wanted: `must have no selector where its name is ${served}, which genops measures of each pod as a whole`,
                  example: `name: ${served}`,
                  holds: (self) => property(self, 'name') !== served || property(self, 'selector') === undefined,
                }),
              ),
            },
          ),
          target: MetricTarget,
        },
        {
          description: 'A metric that each pod has, averaged over the pods.',
          examples: [
            { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '100' } },
          ],
        },
      ),
    ),
  },
  {
    description: 'One metric, in the shape of autoscaling/v2 MetricSpec.',
    examples: [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
    ],
    rules: [
      cel(
        "has(self.resource) == (self.type == 'Resource') && has(self.containerResource) == (self.type == 'ContainerResource') && has(self.pods) == (self.type == 'Pods')",
        {
          wanted: 'must have exactly the member that its type names',
          example: 'type: Resource with resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}',
        },
      ),
      cel(
        "(!has(self.pods) || self.pods.target.type == 'AverageValue') && (!has(self.resource) || self.resource.target.type != 'Value') && (!has(self.containerResource) || self.containerResource.target.type != 'Value')",
        {
          wanted:
            'must have a target of a type that the autoscaler takes there: AverageValue, or Utilization of a resource',
          example: 'target: {type: AverageValue, averageValue: "100"}',
        },
      ),
    ],
  },
);

const ScalingPolicy = struct(
  {
    type: oneOf(['Pods', 'Percent'], { description: 'Whether value counts pods or percent of the current pods.' }),
    value: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Most pods, or percent, in one period.' }),
    periodSeconds: Type.Integer({ minimum: 1, maximum: 1800, description: 'Length of the period in seconds.' }),
  },
  { description: 'One limit on the speed of scaling.' },
);

const stabilizationWindowSeconds = (seconds: number) =>
  orElse(
    seconds,
    Type.Integer({
      minimum: 0,
      maximum: 3600,
      description: 'Seconds of recommendations that are looked back at; the most cautious one counts.',
    }),
  );

const policies = (value: readonly unknown[]) =>
  orElse(
    value,
    atomicList(ScalingPolicy, {
      minItems: 1,
      maxItems: 8,
      description: 'Limits on the speed; selectPolicy says which counts.',
    }),
  );

const selectPolicy = () =>
  oneOf(['Max', 'Min', 'Disabled'], {
    description:
      'Max: the limit that allows most. Min: the one that allows least. Disabled: no scaling in this direction.',
  });

const tolerance = () =>
  Type.Optional(
    quantity({
      description:
        'Deviation from the target that is left alone, for example "0.05". Left out where the cluster does not know it.',
    }),
  );

/** Speed limits of the autoscaler in both directions. */
export const Behavior = struct(
  {
    scaleUp: orElse(
      {},
      struct(
        {
          stabilizationWindowSeconds: stabilizationWindowSeconds(60),
          selectPolicy: orElse('Max', selectPolicy()),
          policies: policies([
            { type: 'Percent', value: 100, periodSeconds: 30 },
            { type: 'Pods', value: 4, periodSeconds: 60 },
          ]),
          tolerance: tolerance(),
        },
        { description: 'How fast replicas may be added.' },
      ),
    ),
    scaleDown: orElse(
      {},
      struct(
        {
          stabilizationWindowSeconds: stabilizationWindowSeconds(300),
          selectPolicy: Type.Optional(selectPolicy()),
          policies: policies([{ type: 'Percent', value: 50, periodSeconds: 60 }]),
          tolerance: tolerance(),
        },
        { description: 'How fast replicas may be removed.' },
      ),
    ),
  },
  { description: 'Speed of scaling, in the shape of autoscaling/v2 HorizontalPodAutoscalerBehavior.' },
);
