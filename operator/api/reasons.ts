import { judged, lever, notImplemented, pending, type ReasonText } from './lever-reasons.ts';
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
  Stalled: { means: 'The service cannot go on without a person; the condition is there only as long.', reasons: {} },
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
      ...notImplemented,
      VPANotInstalled: {
        status: 'False',
        means: 'The cluster has no VerticalPodAutoscaler.',
        next: 'Install it, or set vertical.mode: Off.',
      },
    },
  },
  ResourcesApplied: {
    means: 'Requests and limits of every pod are as declared.',
    reasons: {
      ...lever,
      ...notImplemented,
      PodsBehind: {
        status: 'False',
        means: 'Some pods still run with other resources.',
        next: 'Wait, or look at the pods in the message.',
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
    },
  },
  LoadBalancerApplied: {
    means: 'Every load balancer pod serves the declared configuration.',
    reasons: {
      ...lever,
      ...notImplemented,
      ConfigRejected: {
        status: 'False',
        means: 'nginx refused the configuration; the last good one stays in force.',
        next: 'Correct the value that the message names.',
      },
      PodsBehind: {
        status: 'False',
        means: 'Some pods still serve an older configuration.',
        next: 'Wait, or look at the pods in the message.',
      },
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
      ...notImplemented,
      Active: { status: 'True', means: 'The scaler decides at each interval.' },
      DryRun: {
        status: 'True',
        means: 'The scaler decides and only says so.',
        next: 'Set scaler.mode: Enforce to let it act.',
      },
      Off: { status: 'False', means: 'The policy switches the scaler off.' },
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
      ...notImplemented,
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
        means: 'The source answers but does not have a signal that is needed.',
        next: 'Serve it, or map another name in components[].signals.',
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
      Unknown: {
        status: 'Unknown',
        means: 'Too little data to judge a required objective: unknown is not met.',
        next: 'See the condition MetricsAvailable; where that is Fresh, the message names the metric that is not served.',
      },
    },
  },
  BudgetsConsistent: {
    means:
      'The declared figures fit together across layers: what all replicas may open is less than their PostgreSQL has.',
    reasons: {
      ...pending,
      ...notImplemented,
      Consistent: { status: 'True', means: 'What may be opened at once is less than the servers have.' },
      ConnectionsExceeded: {
        status: 'False',
        means:
          'All who use a PostgreSQL may together open more connections than it has: the message has the arithmetic. The last to come is refused, at the worst moment: a roll-out, or full load.',
        next: 'Where the message says that pools were lowered, nothing; else declare what it names: smaller pools, fewer replicas, more max_connections, or the pooler that stands in between.',
      },
      ConnectionsUnknown: {
        status: 'Unknown',
        means: 'A PostgreSQL does not tell how many connections it has.',
        next: 'See the condition PostgresApplied.',
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

/** What Ready and Stalled take over: the first part that fails gives them its reason. */
type PartOfReady =
  | 'PolicyAccepted'
  | 'TargetFound'
  | `${'Horizontal' | 'Vertical' | 'Resources' | 'Runtime' | 'LoadBalancer' | 'Redis' | 'Postgres'}Applied`;

type OwnReason<T extends ConditionType> = T extends ConditionType
  ? Extract<keyof (typeof conditions)[T]['reasons'], string>
  : never;

/** The reasons that a condition may have. */
export type Reason<T extends ConditionType> =
  OwnReason<T> | (T extends 'Ready' | 'Stalled' ? OwnReason<PartOfReady> : never);

export type AnyReason = OwnReason<ConditionType>;
