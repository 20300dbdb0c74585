import { Type, type Static } from 'typebox';
import { atomicList, oneOf, struct } from './schema.ts';

/**
 * Written by the operator alone, so no rules: its shapes document what kubectl shows. Times are RFC 3339.
 * Its lists are atomic, but for the conditions: whose every field is, is work for the API server at each write.
 */
const optional = Type.Optional;
const string = (description: string) => optional(Type.String({ description, maxLength: 4096 }));
const integer = (description: string) => optional(Type.Integer({ description }));
const time = (description: string) => optional(Type.String({ description, format: 'date-time' }));
const name = (description: string) => Type.String({ description, maxLength: 63 });

const ConditionSchema = struct(
  {
    type: Type.String({ description: 'What the condition is about.', maxLength: 316 }),
    status: oneOf(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
    reason: Type.String({ description: 'One word for why.', minLength: 1, maxLength: 1024 }),
    message: Type.String({ description: 'What was seen, what was wanted and the next step.', maxLength: 32_768 }),
    lastTransitionTime: Type.String({ description: 'When status last changed.', format: 'date-time' }),
    observedGeneration: Type.Integer({ description: 'Generation of the object that was looked at.', minimum: 0 }),
  },
  { description: 'One condition; docs/reference/conditions.md lists them all.' },
);

const conditionList = optional(
  Type.Array(ConditionSchema, {
    description: 'What holds and what does not.',
    maxItems: 32,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  }),
);

export const objectiveNames = [
  'WorkflowDuration',
  'ConcurrentWorkflows',
  'CachedResponseTime',
  'Memory',
  'CacheHitRatio',
  'SuccessRatio',
] as const;

const Objective = struct(
  {
    name: oneOf([...objectiveNames], { description: 'The objective.' }),
    component: string('Component that it was measured on; absent for the service as a whole.'),
    state: oneOf(['Met', 'NotMet', 'Unknown', 'NotExercised'], {
      description: 'Unknown: too little data. NotExercised: the load that it asks for was not there.',
    }),
    target: string('The target of the effective policy.'),
    measured: string('The last measured value.'),
    since: time('Since when the state holds.'),
    attainment: string('Share of the attainment window in which it was met, as a ratio.'),
    observedAt: time('When it was measured.'),
  },
  { description: 'One objective and how it stands.' },
);

const ComponentStatus = struct(
  {
    name: name('Name of the component.'),
    replicas: optional(
      struct(
        {
          current: integer('Replicas now.'),
          min: integer('minReplicas of the effective policy.'),
          floor: integer('minReplicas of the autoscaler as the scaler last raised it; absent where there is none.'),
          max: integer('Most replicas, after budgets.'),
          boundBy: string('What bounds max, where it is not the policy.'),
        },
        { description: 'Replicas and their bounds.' },
      ),
    ),
    decision: optional(
      struct(
        {
          action: string('What was done.'),
          from: integer('Replicas before.'),
          to: integer('Replicas after.'),
          reason: string('One word for why.'),
          message: string('Why, with figures.'),
          time: time('When.'),
          nextEligibleTime: time('When the next may come.'),
          traceID: string('Trace of the decision.'),
        },
        { description: 'The last decision that changed something.' },
      ),
    ),
    metricsSource: string('Where metrics are read now, those of load or, where nobody tells of load, the others.'),
    recommendation: optional(
      struct(
        { cpu: string('CPU cores.'), memory: string('Memory.') },
        { description: 'What the vertical autoscaler recommends, rounded.' },
      ),
    ),
    runtime: optional(
      struct(
        {
          hash: string('Hash of the settings.'),
          podsCurrent: integer('Pods that have acknowledged them.'),
          podsTotal: integer('All pods.'),
        },
        { description: 'Runtime settings.' },
      ),
    ),
  },
  { description: 'One component.' },
);

const OptimizerRuleStatus = struct(
  {
    name: name('Name of the rule.'),
    component: string('Component that it has acted on.'),
    lastAction: optional(
      struct(
        {
          time: time('When.'),
          outcome: optional(
            oneOf(['Improved', 'NoEffect', 'Worse', 'Inconclusive', 'Failed', 'Skipped'], {
              description:
                'Whether it helped, by more than chance explains; absent while it is at work. Inconclusive: nobody can tell. Failed: no Pod took it.',
            }),
          ),
          before: string('The metric before.'),
          after: string('The metric after.'),
          message: string(
            'What was seen, what was done, and what came of it beside what was to be expected without it.',
          ),
        },
        { description: 'The last action.' },
      ),
    ),
    nextEligibleTime: time('When it may act again.'),
    backoffMultiplier: integer('How many times its cooldown it waits.'),
  },
  { description: 'One rule of the optimizer that has acted.' },
);

const RedisStatus = struct(
  {
    name: name('Name of the server.'),
    server: string('Redis or Valkey.'),
    version: string('Version of the server.'),
    topology: string('Standalone, Replicated, Sentinel or Cluster.'),
    nodes: integer('Number of nodes.'),
    pendingNodes: optional(integer('Nodes of these that are announced and do not answer; absent where all do.')),
    hash: string('Hash of the settings in force.'),
    drifted: integer('Parameters that were changed by somebody else and put back at the last visit.'),
    boundBy: string('What bounds maxmemory, where it is not the policy.'),
    pendingRestart: optional(
      atomicList(Type.String({ maxLength: 64 }), { maxItems: 64, description: 'Parameters that wait for a restart.' }),
    ),
  },
  { description: 'One Redis.' },
);

/** A view has as many as the policy says; a status is kept small. */
export const mostSlowStatements = 10;

const PostgresStatus = struct(
  {
    name: name('Name of the server.'),
    version: string('Version of the server.'),
    hash: string('Hash of the parameters in force.'),
    pendingRestart: optional(
      atomicList(Type.String({ maxLength: 64 }), { maxItems: 128, description: 'Parameters that wait for a restart.' }),
    ),
    connections: optional(
      struct(
        {
          needed: integer('Connections that all replicas may open.'),
          available: integer('Connections that the server has for them.'),
        },
        { description: 'The connection budget.' },
      ),
    ),
    slowStatements: optional(
      struct(
        {
          source: oneOf(['pg_stat_statements', 'pg_stat_activity'], {
            description:
              'Where they are seen. pg_stat_activity shows what runs at a visit alone: its figures are a least.',
          }),
          observedAt: Type.String({ description: 'When they were seen.', format: 'date-time' }),
          statements: atomicList(
            struct(
              {
                statement: Type.String({ description: 'Its text without literals.', maxLength: 200 }),
                calls: Type.Integer({ description: 'How often it ran in the window of the objectives.' }),
                mean: Type.String({ description: 'What each took, on average in that window.', maxLength: 32 }),
                max: Type.String({ description: 'The longest since the server counts it.', maxLength: 32 }),
                min: Type.String({ description: 'The shortest since the server counts it.', maxLength: 32 }),
              },
              { description: 'One statement.' },
            ),
            { maxItems: mostSlowStatements, description: 'What took most time together comes first.' },
          ),
        },
        {
          description:
            'Statements that are slow by the policy; absent: none was, or nobody knows. Followed with a tenth of tolerance and every five minutes at most; the database view has all of them, as they are.',
        },
      ),
    ),
    indexes: optional(
      atomicList(
        struct(
          {
            name: name('Name of the index.'),
            state: oneOf(['Valid', 'Building', 'Missing', 'Invalid', 'Failed', 'NotApplicable', 'Advised'], {
              description:
                'How it stands. Invalid: left by a build that came to no end, and built anew. NotApplicable: there is no such table, or it is one of the defaults and cannot be built: PostgresApplied says why. Advised: it would help and nobody has declared it; it is not built.',
            }),
            phase: string('What its build does now.'),
            percent: integer('Of that phase, in steps of ten.'),
            partitions: optional(
              struct(
                { done: integer('Partitions that have it.'), of: integer('All partitions that hold rows.') },
                { description: 'Of one that is built partition by partition.' },
              ),
            ),
            on: string('Of an advised one: table and columns.'),
            statements: optional(
              atomicList(Type.String({ maxLength: 20 }), {
                maxItems: 20,
                description: 'Of an advised one: queryid (pg_stat_statements) of each statement that it would serve.',
              }),
            ),
            gain: string(
              'What an advised one would gain, or why nobody knows; of one that genops has built, by how much statements got faster.',
            ),
            used: optional(
              Type.Boolean({
                description:
                  'Of a valid one: whether the server has read it since its statistics began (a crash begins them anew).',
              }),
            ),
          },
          { description: 'One index.' },
        ),
        { maxItems: 64, description: 'Indexes.' },
      ),
    ),
  },
  { description: 'One PostgreSQL.' },
);

export const GenerationServiceStatus = struct(
  {
    observedGeneration: integer('Generation of the spec that this status is about.'),
    mode: string('Mode in force: that of the spec, or Paused by annotation.'),
    planHash: string('Hash of the changes that are planned and held back (DryRun, Paused); absent where nothing is.'),
    policy: optional(
      struct(
        {
          name: string('Name of the policy.'),
          observedGeneration: integer('Its generation.'),
          hash: string('Hash of the effective policy.'),
        },
        { description: 'The policy in force.' },
      ),
    ),
    rating: optional(
      struct(
        {
          grade: optional(
            oneOf(['Excellent', 'Good', 'Fair', 'Poor', 'Unknown'], {
              description:
                'The grade: what all points would give if they were like the known ones. Unknown while fewer than half are known.',
            }),
          ),
          summary: string(
            'The grade, and behind it of how many of its four parts while not all are known: Excellent 2/4.',
          ),
          score: integer('Points.'),
          scoredOf: integer('Points that could be had: less than 100 while parts are unknown.'),
          parts: optional(
            struct(
              {
                cpu: integer('Points for CPU.'),
                memory: integer('Points for memory.'),
                responseTime: integer('Points for response time.'),
                cacheHitRatio: integer('Points for the cache hit ratio.'),
              },
              { description: 'Points by part.' },
            ),
          ),
          observedAt: time('When it was measured.'),
        },
        { description: 'How the service is graded.' },
      ),
    ),
    objectivesMet: string('Objectives that are met, of those that count, for example 5/6.'),
    objectives: optional(atomicList(Objective, { maxItems: 6, description: 'The objectives.' })),
    components: optional(atomicList(ComponentStatus, { maxItems: 8, description: 'The components.' })),
    optimizer: optional(
      struct(
        {
          rules: optional(
            atomicList(OptimizerRuleStatus, { maxItems: 32, description: 'The rules, the newest action first.' }),
          ),
        },
        { description: 'The optimizer.' },
      ),
    ),
    redis: optional(atomicList(RedisStatus, { maxItems: 4, description: 'The Redis servers.' })),
    postgres: optional(atomicList(PostgresStatus, { maxItems: 4, description: 'The PostgreSQL servers.' })),
    loadBalancer: optional(
      struct(
        {
          desiredHash: string('Hash of the declared configuration.'),
          loadedHash: string('Hash of the configuration that every pod serves.'),
          podsCurrent: integer('Pods that serve the declared configuration.'),
          podsTotal: integer('All pods.'),
          serverVersion: string('Version of nginx.'),
          method: string('How a pod is chosen.'),
          weightMin: integer('Least weight in force.'),
          weightMax: integer('Greatest weight in force.'),
          observedAt: time('When weights were seen.'),
        },
        { description: 'The load balancer.' },
      ),
    ),
    conditions: conditionList,
  },
  { description: 'How the service stands. Written only when something changes.' },
);
export type GenerationServiceStatus = Static<typeof GenerationServiceStatus>;

export const PerformancePolicyStatus = struct(
  {
    observedGeneration: integer('Generation of the spec that this status is about.'),
    conditions: conditionList,
    services: integer('Number of services that refer to the policy.'),
  },
  { description: 'How the policy stands.' },
);
export type PerformancePolicyStatus = Static<typeof PerformancePolicyStatus>;
