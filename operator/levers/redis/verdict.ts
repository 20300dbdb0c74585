/** What is to be said of one declared parameter, by canonical name. Texts are as they would be sent. */
export type Verdict =
  | { readonly state: 'InForce'; readonly name: string; readonly value: string }
  | { readonly state: 'Differs'; readonly name: string; readonly from: string; readonly to: string }
  /** The server takes it only at its start. */
  | { readonly state: 'PendingRestart'; readonly name: string; readonly from: string; readonly to: string }
  | Held;

/** Not sent, because the server would refuse it or because it would harm. */
export interface Held {
  readonly state: 'Held';
  readonly name: string;
  readonly reason: 'NonExpiringKeys' | 'OutOfBounds' | 'ConfigRejected';
  readonly saw: string;
  readonly wanted: string;
  readonly next: string;
}
