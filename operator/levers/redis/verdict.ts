import type { Lowering } from './node-memory.ts';

/** What is to be said of one declared parameter, by canonical name. Texts are as they would be sent. */
export type Verdict =
  | { readonly state: 'InForce'; readonly name: string; readonly value: string }
  | Differs
  /** The server takes it only at its start. */
  | { readonly state: 'PendingRestart'; readonly name: string; readonly from: string; readonly to: string }
  | Held;

interface Differs {
  readonly state: 'Differs';
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** What is to be remembered, where `to` is a step on the way down; and what is to be said as long as it is not the last. */
  readonly lowering?: Lowering;
  readonly underWay?: Held;
}

/** Not sent, because the server would refuse it or because it would harm. */
export interface Held {
  readonly state: 'Held';
  readonly name: string;
  readonly reason:
    'NonExpiringKeys' | 'NothingToEvict' | 'OutOfBounds' | 'ConfigRejected' | 'LoweringStopped' | 'BigKey' | 'Lowering';
  readonly saw: string;
  readonly wanted: string;
  readonly next: string;
  readonly lowering?: Lowering;
}
