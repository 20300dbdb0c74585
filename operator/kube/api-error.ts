/** Another field manager has the field that an apply wanted. */
export interface FieldConflict {
  /** Name of the field manager, e.g. `kubectl-edit`; with the subresource where the server names one. */
  readonly manager: string;
  /** Path as the server writes it, e.g. `.spec.minReplicas`. */
  readonly field: string;
}

/** What was asked of the API server; for messages. */
export interface Attempt {
  /** `get`, `list`, `watch`, `create`, `apply`, `patch`, `update`, `delete`. */
  readonly verb: string;
  /** `HorizontalPodAutoscaler ai/generation`, or a path. */
  readonly target: string;
}

/**
 * The API server refused, or could not be asked. The message says what failed on which object and why.
 *
 * `status` is the HTTP status; 0 when no answer came, and `reason` is then `Unreachable` or `TimedOut`.
 * Otherwise `reason` is the server's own word (`NotFound`, `Conflict`, `AlreadyExists`, `Forbidden`, `Invalid`, `Expired`, …).
 */
export declare class ApiError extends Error {
  override readonly name: 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly verb: string;
  readonly target: string;
  /** Filled from a 409 of an apply; else empty. */
  readonly conflicts: readonly FieldConflict[];
  /** What the server asks to wait (429, 503 with Retry-After), in ms. */
  readonly retryAfterMs: number | undefined;
  constructor(attempt: Attempt, answer: Answer, options?: ErrorOptions);
}

/** The server's answer, as far as it is read. `body` is a `v1` Status or whatever a proxy in between has sent. */
export interface Answer {
  readonly status: number;
  readonly reason?: string;
  readonly body: unknown;
  readonly retryAfterMs?: number | undefined;
}
