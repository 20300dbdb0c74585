/** Why an Event is written, besides the reasons of the condition Ready: the only place that names them. */
export const eventReasons = {
  Ready: { type: 'Normal', means: 'The service is well again; Warnings before it have the reason of Ready.' },
  SettingsChanged: {
    type: 'Normal',
    means: 'Settings of a server were changed because the policy declares others; the note has both values.',
  },
  SettingsRestored: {
    type: 'Normal',
    means:
      'The service was deleted, and what the operator had changed of a server or an object was put back; the note has both values. There is none where the operator was killed between putting back and telling it.',
  },
  DriftRepaired: { type: 'Warning', means: 'Somebody changed what the policy declares; it was put back.' },
  FloorRaised: { type: 'Normal', means: 'The floor under the autoscaler of a component was raised.' },
  FloorLowered: { type: 'Normal', means: 'It was lowered.' },
  ReplicasRaised: {
    type: 'Normal',
    means: 'The scaler raised the replicas of a component without an autoscaler (horizontal.mode: Off).',
  },
  ReplicasLowered: { type: 'Normal', means: 'It lowered them.' },
  RollOutStuck: {
    type: 'Warning',
    means:
      'A StatefulSet that is being rolled out has replaced no Pod for ten minutes: its figures may take replicas away again.',
  },
  ActionTaken: {
    type: 'Normal',
    means: 'A rule of the optimizer has acted; what came of it follows once it has settled.',
  },
  ActionHelped: { type: 'Normal', means: 'The action was followed by more than chance explains: it helped.' },
  ActionDidNotHelp: {
    type: 'Normal',
    means: 'The action had no effect, or none that could be told from chance; the rule waits longer before the next.',
  },
  ActionHarmed: {
    type: 'Warning',
    means: 'What followed the action is worse than chance explains; the rule backs off.',
  },
  WorkersGivenBack: {
    type: 'Normal',
    means: 'Workers that a rule had taken from the Pods were given back; the note has both figures.',
  },
  MemoryLimitGivenBack: {
    type: 'Normal',
    means: 'A memory limit that a rule had raised was lowered by a step; the note has both figures.',
  },
  ActionFailed: { type: 'Warning', means: 'No Pod took the action; the note has what was answered.' },
  ObjectiveMissed: { type: 'Warning', means: 'Objectives that were not missed before are.' },
  ObjectiveMet: { type: 'Normal', means: 'Objectives that were missed are met again.' },
  RestoreWaiting: {
    type: 'Warning',
    means: 'The service is being deleted and a server that is to have its own settings back does not answer yet.',
  },
  RestoreGivenUp: { type: 'Warning', means: 'What could not be put back in two minutes stays as it is.' },
} as const satisfies Record<string, { readonly type: 'Normal' | 'Warning'; readonly means: string }>;

export type EventReason = keyof typeof eventReasons;
