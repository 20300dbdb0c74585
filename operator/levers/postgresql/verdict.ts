/** What is to be said of one declared parameter. `from` and `to` are as people read them. */
export type Verdict =
  | {
      readonly state: 'InForce';
      readonly name: string;
      readonly text: string;
      /** Only there, and only for sessions that began since. */
      readonly database?: string;
    }
  | Differs
  /** It is in the files, and only a start takes it. */
  | { readonly state: 'PendingRestart'; readonly name: string; readonly text: string; readonly from: string }
  | Held;

export interface Differs {
  readonly state: 'Differs';
  readonly name: string;
  readonly from: string;
  /** As declared, and as it is sent. */
  readonly text: string;
  /** What stands where it is to be written: in postgresql.auto.conf, or on the database; null: nothing. */
  readonly before: string | null;
  /** The database to write it on, where the server itself may not be set; undefined: the server. */
  readonly database?: string;
  /** Only a start takes it: it is written now. */
  readonly atRestart: boolean;
}

/** Not sent, because it would be refused, would harm, or could not be taken back. */
export interface Held {
  readonly state: 'Held';
  readonly name: string;
  readonly reason: 'PermissionDenied' | 'SetOnCommandLine' | 'OverlaidByRole' | 'OutOfBounds' | 'ConfigRejected';
  readonly saw: string;
  readonly wanted: string;
  readonly next: string;
  /** All that is missing is ALTER SYSTEM on it: such grants are told as one command. */
  readonly isUngranted?: true;
}
