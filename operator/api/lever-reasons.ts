/** What a reason says and what a person does about it. docs/reference/conditions.md is generated from these texts. */
export interface ReasonText {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly means: string;
  /** Absent where nothing is to be done. */
  readonly next?: string;
}

/** Of every condition. */
export const pending = {
  Pending: { status: 'Unknown', means: 'Not looked at yet.' },
} as const satisfies Record<string, ReasonText>;

/** Of what is measured and judged. */
export const judged = {
  ...pending,
  PolicyRejected: {
    status: 'Unknown',
    means:
      'The policy is rejected, and the operator that leads now has accepted none before: nothing is measured, judged or moved.',
    next: 'See the condition PolicyAccepted.',
  },
} as const satisfies Record<string, ReasonText>;

/** Of every lever. */
export const lever = {
  ...pending,
  Applied: { status: 'True', means: 'The declared settings are in force: they were read back.' },
  DryRun: {
    status: 'True',
    means: 'What would be changed is in the message; nothing was changed.',
    next: 'Set mode: Enforce to apply it.',
  },
  Paused: {
    status: 'True',
    means: 'The service is paused: what would be changed is in the message; nothing was changed.',
    next: 'Remove the annotation genops.dev/paused, or mode: Paused, to apply it.',
  },
  Off: { status: 'True', means: 'The policy switches this part off.' },
  MaintenancePending: {
    status: 'True',
    means:
      'What may change at any time is in force; the rest waits for a maintenance window: the message says when the next one opens.',
    next: 'Wait for it, or change maintenanceWindows.',
  },
  Conflict: {
    status: 'False',
    means: 'Another owner holds what the policy declares; nothing is taken by force. The message names it.',
    next: 'Remove the other owner, or switch this part off.',
  },
  PermissionDenied: {
    status: 'False',
    means: 'The operator lacks a permission; the message names it.',
    next: 'Grant what the message says.',
  },
  Failed: {
    status: 'False',
    means: 'The change failed for another reason; it is tried again with back-off.',
    next: 'Read the message and the log of the operator.',
  },
} as const satisfies Record<string, ReasonText>;

/** Of what genops does nothing about. */
export const notImplemented = {
  NotImplemented: {
    status: 'Unknown',
    means: 'This version of genops takes the declaration but cannot act on it yet.',
  },
} as const satisfies Record<string, ReasonText>;

/** Of nginx and of routes. */
export const loadBalancer = {
  ConfigRejected: {
    status: 'False',
    means: 'nginx refused the configuration; the last good one stays in force, and one that has none is not ready.',
    next: 'Correct the value that the message names.',
  },
  CertificateMissing: {
    status: 'False',
    means:
      'The Secret of nginx.tlsSecretRef, or one of its keys, is not there. nginx goes on with what it took last; one that has taken nothing is not ready.',
    next: 'Create the Secret, of type kubernetes.io/tls, or leave tlsSecretRef out.',
  },
  PodsBehind: {
    status: 'False',
    means: 'Some pods still serve an older configuration.',
    next: 'Wait, or look at the pods in the message.',
  },
  ServiceUnusable: {
    status: 'False',
    means: 'nginx has the settings, and a component has no such Service or port as its serviceRef names.',
    next: 'Do what the message says: requests to that component are answered with 502 until then.',
  },
  RouteUnusable: {
    status: 'False',
    means: 'There is no such HTTPRoute, or no rule of it has two components to choose from.',
    next: 'Do what the message says.',
  },
} as const satisfies Record<string, ReasonText>;
