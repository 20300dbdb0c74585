import { judged, lever, notImplemented, pending, server, type ReasonText } from './lever-reasons.ts';

interface ConditionText {
  /** What status True says. */
  readonly means: string;
  readonly reasons: Readonly<Record<string, ReasonText>>;
}

/** Every condition, its reasons and their texts: the only place that names a reason. */
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
      SecretInvalid: {
        status: 'False',
        means: 'A key of the Secret cannot be read as what it should be.',
        next: 'Correct the key that the message names.',
      },
      SeveralServers: {
        status: 'False',
        means:
          'The address leads to several servers in turn (a Service in front of two Pods): what is set on one is not in force on the others. Nothing is changed meanwhile; it counts as one server again when the same has answered for ten minutes.',
        next: 'Put the address of a single server into the Secret, and name each other one in an entry of its own.',
      },
      NodesPending: {
        status: 'Unknown',
        means:
          'A node that its Sentinel, cluster or primary announces does not answer: what it has is unknown. All others are tuned, and it is as soon as it answers.',
        next: 'Nothing where it starts; else correct the address that it announces, or take one that is gone out of the topology.',
      },
      MasterUnknown: {
        status: 'False',
        means:
          'The Secret leads to a Sentinel and sentinelMasterName names none of its primaries, or it leads to no Sentinel though sentinelMasterName is set.',
        next: 'Correct spec.redis[].sentinelMasterName or the Secret; the message has the names that the Sentinel knows.',
      },
      ProtectedMode: {
        status: 'False',
        means: 'The server is in protected mode and answers only its own machine.',
        next: 'Give the server a password and put it into the Secret.',
      },
      Loading: {
        status: 'False',
        means: 'The server loads its data.',
        next: 'Wait: it is asked again.',
      },
      Busy: {
        status: 'False',
        means: 'The server runs a script that takes long.',
        next: 'Wait: it is asked again. SCRIPT KILL or FUNCTION KILL ends one that does not end by itself.',
      },
      NoConnectionLeft: {
        status: 'False',
        means: 'The server has as many clients as it may have (maxclients).',
        next: 'Close idle clients, or raise maxclients.',
      },
      SavingFails: {
        status: 'True',
        means:
          'All settings are in force, but the server could not save its data the last time, and refuses every write for it (MISCONF) where stop-writes-on-bgsave-error is yes.',
        next: 'See to the disk, the folder and the memory of the server: its log says what was missing.',
      },
      ConfigDisabled: {
        status: 'False',
        means: 'The server does not let its settings be read (CONFIG is renamed, refused or switched off).',
        next: 'Grant CONFIG GET, or set the values where the server is managed and set redis.mode: Off.',
      },
      NonExpiringKeys: {
        status: 'False',
        means:
          'Keys without expiry exist, and allkeys-* eviction could delete them: a queue may live there. The eviction policy was left alone.',
        next: 'Use a volatile-* policy, give the keys an expiry, or set redis.evictionGuard: Off.',
      },
      Fragmented: {
        status: 'True',
        means:
          'The settings are in force; the server takes at least one and a half times of what it has in use from the machine (said from 100 MB on, until it is less than 1.3 times).',
        next: 'Set activedefrag: "yes" where the server takes it, or restart it when it suits.',
      },
      NothingToEvict: {
        status: 'False',
        means:
          'maxMemory is below what is in use, and the eviction policy can throw none of it out: every write would fail. The limit was left alone.',
        next: 'Raise redis.maxMemory, delete data, or declare an eviction policy that can make room.',
      },
      Lowering: {
        status: 'False',
        means:
          'maxMemory is below what is in use: the limit comes down by 5 % of that at each visit, as long as no write is refused and the hit ratio holds.',
      },
      LoweringStopped: {
        status: 'False',
        means:
          'On its way down a limit made writes fail, or the hit ratio fall by more than five points: it stays where it is.',
        next: 'Declare what is in force or more, or another value, with which it begins anew.',
      },
    },
  },
  PostgresApplied: {
    means: 'Every declared PostgreSQL has the declared parameters and indexes.',
    reasons: {
      ...lever,
      ...notImplemented,
      ...server,
      SecretInvalid: {
        status: 'False',
        means: 'A key of the Secret cannot be read as what it should be.',
        next: 'Correct the key that the message names.',
      },
      Busy: {
        status: 'False',
        means: 'The server starts, ends or has no connection left.',
        next: 'Wait: it is asked again.',
      },
      AlterSystemOff: {
        status: 'False',
        means: 'The server does not let its parameters be set with ALTER SYSTEM: somebody else owns its configuration.',
        next: 'Set the values where the server is managed and postgres.mode: DryRun, or allow_alter_system = on.',
      },
      OverlaidByRole: {
        status: 'True',
        means:
          'The server has the declared values, but sessions of the role or database in the message get others (ALTER ROLE … SET). Unknown, where it is the role of the operator itself, which then cannot see the server’s own.',
        next: 'Take the other value away (ALTER ROLE … RESET), or leave it where it is meant.',
      },
      OwnerBehind: {
        status: 'False',
        means:
          'The object of the server’s own operator (clusterRef) has the declared parameters, and the server does not have them yet.',
        next: 'Wait; where it lasts, look at that object and its operator.',
      },
      OwnerNotFound: {
        status: 'False',
        means: 'There is no such object as clusterRef names.',
        next: 'Correct it, or remove it where nobody but genops sets the server.',
      },
      NewSessionsOnly: {
        status: 'True',
        means:
          'Parameters are set on the database of the Secret alone (ALTER DATABASE), since the role may not set them on the server: sessions take them as they begin, those that run keep what they have.',
        next: 'Wait until the pools have replaced their connections, or grant ALTER SYSTEM for the whole server.',
      },
      SetOnCommandLine: {
        status: 'False',
        means: 'A parameter is set on the server’s command line, which wins over everything.',
        next: 'Change the container’s arguments.',
      },
      PoolerInBetween: {
        status: 'False',
        means: 'The Secret leads to a pooler; nothing is asked or changed through it.',
        next: 'Name a Secret with the address of the server itself.',
      },
      IndexBuilding: {
        status: 'False',
        means: 'An index is being built, or waits for its turn or for older transactions, which the message names.',
        next: 'Wait, or end the transaction that the message names.',
      },
      IndexDiffers: {
        status: 'False',
        means:
          'Something that is not the declared index has its name: another index, or a table. It is not touched, and nothing is built.',
        next: 'Give the declared index another name, or rename or drop what is there.',
      },
      TableMissing: {
        status: 'False',
        means: 'An index is declared for a table that is not there, and postgres.onMissingTable is Wait.',
        next: 'Wait for the migration that makes it, correct the name, or set onMissingTable: Skip.',
      },
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
