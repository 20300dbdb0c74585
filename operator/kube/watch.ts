/** Told of what the watches do; names are the resource's plural. */
export interface WatchMetrics {
  /** A list or a watch begins, and why. */
  started(resource: string, what: 'list' | 'watch' | 'resume'): void;
  /** A watch ended otherwise than by its own time-out. */
  failed(resource: string, why: 'silent' | 'expired' | 'error'): void;
}
