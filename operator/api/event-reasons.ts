/** Why an Event is written, besides the reasons of the condition Ready: the only place that names them. */
export const eventReasons = {
  Ready: { type: 'Normal', means: 'The service is well again; Warnings before it have the reason of Ready.' },
  SettingsChanged: {
    type: 'Normal',
    means: 'Settings of a server were changed because the policy declares others; the note has both values.',
  },
  DriftRepaired: { type: 'Warning', means: 'Somebody changed what the policy declares; it was put back.' },
  FloorRaised: { type: 'Normal', means: 'The floor under the autoscaler of a component was raised.' },
  FloorLowered: { type: 'Normal', means: 'It was lowered.' },
  ObjectiveMissed: { type: 'Warning', means: 'Objectives that were not missed before are.' },
  ObjectiveMet: { type: 'Normal', means: 'Objectives that were missed are met again.' },
  RestoreWaiting: {
    type: 'Warning',
    means: 'The service is being deleted and a server that is to have its own settings back does not answer yet.',
  },
  RestoreGivenUp: { type: 'Warning', means: 'What could not be put back in two minutes stays as it is.' },
} as const satisfies Record<string, { readonly type: 'Normal' | 'Warning'; readonly means: string }>;

export type EventReason = keyof typeof eventReasons;
