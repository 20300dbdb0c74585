import { judged, lever, loadBalancer, notImplemented, pending, type ReasonText } from './lever-reasons.ts';
import { postgres, redis, server } from './server-reasons.ts';

interface ConditionText {
  /** What status True says. */
  readonly means: string;
  readonly reasons: Readonly<Record<string, ReasonText>>;
}

/** Every condition, its reasons and their texts: no reason is named elsewhere than here and in what this imports. */
export const conditions = {
  Ready: {
    means: 'The policy is accepted, every target is found and every declared lever that may act is in force.',
    reasons: {
      ...pending,
      Reconciled: { status: 'True', means: 'Everything that is declared is in force.' },
      Paused: {
        status: 'True',
        means: 'The service is paused: it is observed and nothing is changed or reverted.',
        next: 'Remove the annotation genops.dev/paused (any value of it but false pauses), or mode: Paused.',
      },
      DryRun: {
        status: 'True',
        means: 'The service only reports what it would do.',
        next: 'Set mode: Enforce to apply it.',
      },
      RestoreWaiting: {
        status: 'False',
        means:
          'The service is being deleted and waits, two minutes at most, for what is to have its own settings back.',
        next: 'See to what the message names; without an answer the service goes all the same.',
      },
    },
  },
  Reconciling: {
    means:
      'A change that was made is on its way and arrives by itself; the condition is there only as long, and not beside Stalled.',
    reasons: {},
  },
  Stalled: {
    means: 'The service, or the policy, cannot go on without a person; the condition is there only as long.',
    reasons: {},
  },
  PolicyAccepted: {
    means: 'The effective policy (defaults, policy and overrides together) is valid.',
    reasons: {
      ...pending,
      Valid: { status: 'True', means: 'The effective policy is valid.' },
      PolicyNotFound: {
        status: 'False',
        means: 'spec.policyRef names no PerformancePolicy of this namespace. What was accepted last stays in force.',
        next: 'Create it or correct the name.',
      },
      InvalidEffectivePolicy: {
        status: 'False',
        means:
          'Two layers contradict each other, for example minReplicas of the policy and maxReplicas of the overrides. The last good plan stays in force: servers, autoscalers and floors are kept to what was accepted last.',
        next: 'genops policy effective shows every value and where it comes from.',
      },
    },
  },
  TargetFound: {
    means: 'Every target exists, can be scaled and is claimed by no older service.',
    reasons: {
      ...pending,
      Found: { status: 'True', means: 'Every target exists and can be scaled.' },
      NotFound: {
        status: 'False',
        means: 'A targetRef names no object of this namespace, or a kind that the API server does not serve.',
        next: 'Create the workload or correct targetRef.',
      },
      NoScaleSubresource: {
        status: 'False',
        means: 'The kind of the target has no scale subresource.',
        next: 'Aim at a Deployment, StatefulSet or another kind that can be scaled.',
      },
      Conflict: {
        status: 'False',
        means: 'An older GenerationService has the same target; the older one keeps it.',
        next: 'Remove the target from one of the two.',
      },
      PermissionDenied: {
        status: 'False',
        means: 'The operator may not read the target.',
        next: 'Grant what the message says.',
      },
    },
  },
  HorizontalApplied: {
    means: 'The HorizontalPodAutoscaler of every component is as declared.',
    reasons: {
      ...lever,
      Conflict: {
        status: 'False',
        means:
          'Another autoscaler aims at the target, or another field manager has set a field of our own HPA; nothing is taken by force. The message names it.',
        next: 'Another HPA: annotate the service with genops.dev/adopt=hpa, set horizontal.mode: FloorOnly, or delete it. A field of our own HPA (kubectl edit, kubectl patch, another controller): hand it over with kubectl patch --field-manager=genops and the policy’s value, or delete the HPA, which is made anew with the floor in force; adopt changes nothing there. With FloorOnly no HPA is made: of two for one target delete one, and one that is gone is yours to create. A value of your own belongs into the policy or spec.overrides.',
      },
      MetricUnavailable: {
        status: 'False',
        means: 'Nobody serves a metric that the policy declares; it was left out so that it does not block scale-down.',
        next: 'Serve the metric or remove it.',
      },
      TargetUnreachable: {
        status: 'False',
        means:
          'The HPA is as declared and never adds a replica: limits let Pods use less of what they ask for than its targets take. Beside a metric that does add some it is only said in the message of Applied.',
        next: 'Lower the target as the message says, or let Pods use more than they ask for.',
      },
      NoAutoscaler: {
        status: 'False',
        means:
          'With mode FloorOnly the floor of an existing HorizontalPodAutoscaler or ScaledObject is moved, and there is none.',
        next: 'Create one for the target, or set horizontal.mode: Enforce.',
      },
    },
  },
  VerticalApplied: {
    means: 'The VerticalPodAutoscaler of every component is as declared.',
    reasons: {
      ...lever,
      Conflict: {
        status: 'False',
        means:
          'Another VerticalPodAutoscaler aims at the target, another field manager has set a field of ours, or the HPA is declared to scale by the same resource and vertical.conflictResolution is Refuse, or PreferVertical where the HPA is not ours or would have no metric left. Nothing is taken by force. The message names it.',
        next: 'Another one: annotate the service with genops.dev/adopt=vpa, or delete it. A field: hand it over as the message says. The same resource: remove it from one of the two, or set conflictResolution: Split.',
      },
      VPANotInstalled: {
        status: 'False',
        means:
          'The cluster has no VerticalPodAutoscaler. True where vertical.mode is DryRun: nothing was to be changed.',
        next: 'Install it (recommender, updater and admission controller), or set vertical.mode: "Off".',
      },
      UpdateModeUnsupported: {
        status: 'False',
        means: 'The declared updateMode keeps Pods from being evicted, and this cluster has no mode that does.',
        next: 'Upgrade the VerticalPodAutoscaler or the cluster, or declare one of the modes of the message.',
      },
    },
  },
  ResourcesApplied: {
    means: 'Requests and limits of every pod are as declared.',
    reasons: {
      ...lever,
      PodsBehind: {
        status: 'False',
        means: 'The nodes of some Pods have no room for what is declared: they go on with what they had.',
        next: 'Declare less, make room, or delete the Pods that the message names: their successors go where there is room.',
      },
      ResizeRefused: {
        status: 'False',
        means:
          'The API server does not take the resize of a Pod that runs, for example since its QoS class would change.',
        next: 'Set resources.method: Template, or declare what the message says that it takes. Where the right is missing: rights.resize: true in the values of the chart.',
      },
      MemoryHeld: {
        status: 'False',
        means:
          'Less memory is declared than Pods have, or than the one had that was killed for its memory within a day: they keep at least that.',
        next: 'Declare at least what there is, or wait until the time that the message names.',
      },
      ResizeUnavailable: {
        status: 'False',
        means: 'The cluster resizes no Pods that run (Kubernetes 1.33 or later does).',
        next: 'Upgrade it, or set resources.method: Template, which rolls the workload out.',
      },
    },
  },
  RuntimeApplied: {
    means: 'Every pod has acknowledged the declared runtime settings.',
    reasons: {
      ...lever,
      PodsBehind: {
        status: 'False',
        means: 'Some pods have not acknowledged the settings.',
        next: 'Wait: a mounted ConfigMap arrives within about a minute. Where no Pod says anything, mount it and read it (docs/levers/runtime.md), or switch this part off.',
      },
      SecretNotFound: server.SecretNotFound,
      SecretInvalid: server.SecretInvalid,
    },
  },
  LoadBalancerApplied: {
    means: 'Every load balancer pod serves the declared configuration.',
    reasons: {
      ...lever,
      ...loadBalancer,
    },
  },
  RedisApplied: {
    means: 'Every node of every declared Redis has the declared settings.',
    reasons: {
      ...lever,
      ...server,
      ...redis,
    },
  },
  PostgresApplied: {
    means: 'Every declared PostgreSQL has the declared parameters and indexes.',
    reasons: {
      ...lever,
      ...notImplemented,
      ...server,
      ...postgres,
    },
  },
  ScalerActive: {
    means: 'The scaler may act.',
    reasons: {
      ...judged,
      Active: { status: 'True', means: 'The scaler decides at each interval.' },
      DryRun: {
        status: 'True',
        means: 'The scaler decides and only says so.',
        next: 'Set scaler.mode: Enforce to let it act.',
      },
      Off: {
        status: 'False',
        means:
          'horizontal.mode is Off, and the HPA that the operator made before, or took over, still aims at the target: it stays with its last bounds, and neither its floor nor the replicas are moved.',
        next: 'Delete the HPA that the message names, so that the scaler moves the replicas; or set horizontal.mode: Enforce.',
      },
      Paused: { status: 'False', means: 'The service is paused.' },
      Conflict: {
        status: 'False',
        means:
          'Somebody else holds the floor (minReplicas) of the autoscaler; it is not taken by force. The message names the field manager.',
        next: 'Remove minReplicas from the other manager’s manifest, or raise the floor with horizontal.minReplicas in overrides.',
      },
      PermissionDenied: lever.PermissionDenied,
      Failed: {
        status: 'False',
        means: 'The API server did not take a floor for another reason; it is tried again.',
        next: 'Correct what the message names.',
      },
      MetricsStale: {
        status: 'False',
        means: 'A metric that the decision needs is missing or too old; nothing scales down.',
        next: 'See the condition MetricsAvailable.',
      },
      Held: {
        status: 'False',
        means: 'A roll-out, a resize or a starting pod makes the figures unusable for a moment.',
      },
    },
  },
  OptimizerActive: {
    means: 'The rules of the optimizer may act.',
    reasons: {
      ...pending,
      Active: { status: 'True', means: 'The rules are judged at each interval.' },
      DryRun: {
        status: 'True',
        means: 'The rules are judged and only say what they would do.',
        next: 'Set optimizer.mode: Enforce to let them act.',
      },
      Off: { status: 'False', means: 'The policy switches the optimizer off.' },
      Paused: { status: 'False', means: 'The service is paused.' },
      BudgetBurning: { status: 'False', means: 'The error budget burns fast: only corrective actions are made.' },
      ActionsExhausted: { status: 'False', means: 'maxActionsPerHour is used up.' },
      Braked: {
        status: 'False',
        means: 'Actions have done harm in several services within the hour: no service acts.',
        next: 'See what Events with reason ActionHarmed have in common.',
      },
      MetricsStale: {
        status: 'False',
        means: 'A metric that a rule needs is missing or too old.',
        next: 'See the condition MetricsAvailable.',
      },
    },
  },
  MetricsAvailable: {
    means: 'Every signal that a decision needs is fresh.',
    reasons: {
      ...judged,
      Fresh: { status: 'True', means: 'Every needed signal is fresh.' },
      SourceUnreachable: {
        status: 'False',
        means: 'A metric source does not answer.',
        next: 'Check port, path and network policies; the message names the source.',
      },
      SignalMissing: {
        status: 'False',
        means:
          'The source answers but does not have a signal that is needed, or what it has is no figure (NaN, infinite, negative).',
        next: 'Serve it, or map another name in components[].signals; the message names what is no figure.',
      },
      NoPods: { status: 'False', means: 'No pod of the component is ready.', next: 'Look at the pods of the target.' },
    },
  },
  ObjectivesMet: {
    means: 'Every required objective is met; one that was not exercised does not count against it.',
    reasons: {
      ...judged,
      Met: { status: 'True', means: 'Every required objective is met.' },
      NotMet: {
        status: 'False',
        means: 'A required objective is not met; the message names it.',
        next: 'genops status shows what was measured beside each target.',
      },
      CapacityLimited: {
        status: 'False',
        means:
          'A required objective that replicas would help is not met, and there will be no more of them: a bound is reached, or the last that came brought hardly anything (something behind them is full). The message says which.',
        next: 'Raise the bound that the message names, make replicas faster, or look at what they all wait for.',
      },
      Unknown: {
        status: 'Unknown',
        means: 'Too little data to judge a required objective: unknown is not met.',
        next: 'See the condition MetricsAvailable; where that is Fresh, the message names the metric that is not served.',
      },
    },
  },
  BudgetsConsistent: {
    means:
      'The declared figures fit together across layers: what all replicas may open, ask for and hold is less than there is, and what waits inside another gives up first.',
    reasons: {
      ...pending,
      Consistent: { status: 'True', means: 'All that was reckoned fits; the message says what that was.' },
      ConnectionsExceeded: {
        status: 'False',
        means:
          'All who use a PostgreSQL may together open more connections than it has: the message has the arithmetic. The last to come is refused, at the worst moment: a roll-out, or full load.',
        next: 'Where the message says that pools were lowered, nothing; else declare what it names: smaller pools, fewer replicas, more max_connections, or the pooler that stands in between.',
      },
      ConnectionsUndeclared: {
        status: 'False',
        means:
          'More sessions are open on a PostgreSQL than all who declare it may open, with what is kept for others: a pooler opens more than is declared of it, or a client is declared nowhere. What is reckoned does not hold then.',
        next: 'See in pg_stat_activity whose they are; correct spec.postgres[].pooler, declare the client in a GenerationService, or raise postgres.reservedConnections.',
      },
      ConnectionsUnknown: {
        status: 'Unknown',
        means: 'A PostgreSQL does not tell how many connections it has, or has no such role as clientRole.',
        next: 'See the condition PostgresApplied, or correct spec.postgres[].clientRole.',
      },
      QuotaExceeded: {
        status: 'False',
        means:
          'All Pods that may be in the namespace at once ask for more than a ResourceQuota of it has: the message has the arithmetic. The last to come are refused, under full load.',
        next: 'Where the message says that maxReplicas was lowered, nothing; else declare what it names, or raise the quota.',
      },
      MemoryExceeded: {
        status: 'False',
        means:
          'A server or a cache may take more memory than its container has, fork and garbage included: the message has the arithmetic. It is killed for it when it is full.',
        next: 'Where the message says that maxmemory was lowered, nothing; else declare what it names, or raise the limit of the container.',
      },
      TimeoutsInverted: {
        status: 'False',
        means:
          'What waits outside gives up before what it waits for: the work goes on for nobody, and is asked for again.',
        next: 'Declare what the message names: each time-out longer than those inside it.',
      },
    },
  },
  Accepted: {
    means: 'On a PerformancePolicy: its fields are valid by themselves.',
    reasons: {
      ...pending,
      Valid: { status: 'True', means: 'Every field is valid.' },
      Invalid: {
        status: 'False',
        means: 'A field contradicts another; the message names it.',
        next: 'Correct the field as the message says.',
      },
    },
  },
} as const satisfies Record<string, ConditionText>;

export type ConditionType = keyof typeof conditions;

/** What Ready, Reconciling and Stalled take over: the first part that fails, or is on its way, gives them its reason. */
type PartOfReady =
  | 'PolicyAccepted'
  | 'TargetFound'
  | `${'Horizontal' | 'Vertical' | 'Resources' | 'Runtime' | 'LoadBalancer' | 'Redis' | 'Postgres'}Applied`;

type OwnReason<T extends ConditionType> = T extends ConditionType
  ? Extract<keyof (typeof conditions)[T]['reasons'], string>
  : never;

/** The reasons that a condition may have. */
export type Reason<T extends ConditionType> =
  | OwnReason<T>
  | (T extends 'Ready' | 'Reconciling' | 'Stalled' ? OwnReason<PartOfReady> : never)
  | (T extends 'Stalled' ? OwnReason<'Accepted'> : never);

export type AnyReason = OwnReason<ConditionType>;
