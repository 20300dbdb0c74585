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
  Off: { status: 'True', means: 'The policy switches this part off.' },
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

/** Of a part that is not built yet. */
export const notImplemented = {
  NotImplemented: {
    status: 'Unknown',
    means: 'This version of genops takes the declaration but cannot act on it yet.',
  },
} as const satisfies Record<string, ReasonText>;

/** Of a lever that tunes a server. */
export const server = {
  Conflict: {
    status: 'False',
    means: 'An older GenerationService tunes the same server; the older one keeps it. The message names it.',
    next: 'Remove the server from one of the two.',
  },
  PendingRestart: {
    status: 'True',
    means:
      'Everything that can change at run time is in force; the parameters in the message wait for a restart of the server.',
    next: 'Restart the server when it suits; genops never does.',
  },
  Unreachable: {
    status: 'False',
    means: 'The server does not answer; its settings are unknown.',
    next: 'Check the address in the Secret, network policies and the server.',
  },
  SecretNotFound: {
    status: 'False',
    means: 'The Secret or one of its keys is missing.',
    next: 'Create the Secret with the keys that the message names.',
  },
  AuthenticationFailed: {
    status: 'False',
    means: 'The server refuses user name or password.',
    next: 'Put the right credentials into the Secret.',
  },
  ConfigRejected: {
    status: 'False',
    means: 'The server refused a value and said why.',
    next: 'Correct the value that the message names.',
  },
  OutOfBounds: {
    status: 'False',
    means: 'A value would endanger the server (memory, start-up) and was not sent.',
    next: 'Lower the value or enlarge the server, as the message says.',
  },
  ReportOnly: {
    status: 'True',
    means: 'The server can be read but not changed here; the differences are in the message.',
    next: 'Grant the change, or set the values where the server is managed.',
  },
} as const satisfies Record<string, ReasonText>;
