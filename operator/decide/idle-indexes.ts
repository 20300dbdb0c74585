/** What every write keeps up for nothing, as far as a server was looked through. */
export interface IdleIndexes {
  /** The largest first. */
  readonly unused: readonly UnusedIndex[];
  /** Names, with their schema, of those that do the same work. */
  readonly twins: readonly (readonly string[])[];
}

/** An index that no plan has read for long, and that nothing but speed depends on. */
export interface UnusedIndex {
  /** `database.schema.name` */
  readonly name: string;
  /** When it was read last, or seen first: ms since the epoch. */
  readonly since: number;
  readonly sizeBytes: number;
}
