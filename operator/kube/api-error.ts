/** Another field manager has the field that an apply wanted. */
export interface FieldConflict {
  /** Name of the field manager, e.g. `kubectl-edit`. */
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

/** The server's answer. `body` is a `v1` Status, or whatever a proxy in between has sent. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** In seconds, from the header. */
  readonly retryAfter?: string | undefined;
}

/**
 * The API server refused, or could not be asked. The message says what failed on which object and why.
 *
 * `status` is the HTTP status; 0 when no answer came, and `reason` is then `Unreachable` or `TimedOut`.
 * Otherwise `reason` is the server's own word (`NotFound`, `Conflict`, `AlreadyExists`, `Forbidden`, `Invalid`, `Expired`, …).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly verb: string;
  readonly target: string;
  /** Filled from a 409 of an apply; else empty. */
  readonly conflicts: readonly FieldConflict[];
  /** What the server asks to wait (429, 503), in ms. */
  readonly retryAfterMs: number | undefined;
  /** Nothing new can be made there any more: what was refused would have gone with its namespace. */
  readonly isNamespaceTerminating: boolean;
  /** Somebody has written since the object was read: it is read again, and that is all. Not the conflict of an apply, which lasts. */
  readonly isStale: boolean;

  constructor(
    { verb, target }: Attempt,
    said: {
      status: number;
      reason: string;
      message: string;
      retryAfter?: string | undefined;
      causes?: readonly Cause[];
    },
    options?: ErrorOptions,
  ) {
    super(`${verb} ${target}: ${said.message}`, options);
    this.verb = verb;
    this.target = target;
    this.status = said.status;
    this.reason = said.reason;
    this.conflicts = conflictsOf(said.causes ?? []);
    this.isNamespaceTerminating = said.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
    this.isStale = said.reason === 'Conflict' && said.status === 409 && this.conflicts.length === 0;
    this.retryAfterMs = retryAfterMs(said.retryAfter);
  }
}

/** Waiting does not change it: there is no such thing (404), or no right to it (403). */
export const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError && (error.status === 403 || error.status === 404);

/** An answer that is not 2xx. */
export function refusal(attempt: Attempt, { status, body, retryAfter }: Answer): ApiError {
  const { message, reason, details } = asStatus(body);
  const causes = details?.causes ?? [];
  const said =
    message ??
    (typeof body === 'string' && body !== '' ? body.slice(0, 200) : `the server answered ${status} without a message`);
  const clash = conflictsOf(causes).map(({ manager, field }) => `${field} belongs to ${manager}`);
  return new ApiError(attempt, {
    status,
    reason: reason ?? `Status${status}`,
    causes,
    retryAfter: retryAfter ?? details?.retryAfterSeconds?.toString(),
    message: clash.length > 0 ? `conflict: ${clash.join('; ')}` : said,
  });
}

/** No answer came. */
export function unreachable(attempt: Attempt, server: string, error: unknown, isTimeout: boolean): ApiError {
  const cause = Error.isError(error) ? error.message || error.name : String(error);
  const message = isTimeout ? `no answer from ${server} in time` : `${server} cannot be reached: ${cause}`;
  return new ApiError(
    attempt,
    { status: 0, reason: isTimeout ? 'TimedOut' : 'Unreachable', message },
    { cause: error },
  );
}

interface Cause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly Cause[]; readonly retryAfterSeconds?: number };
}

function asStatus(body: unknown): Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status' ? (body as Status) : {};
}

/** `conflict with "kubectl-edit" using autoscaling/v2`, `conflict with "kubectl" with subresource "status" using v1 at 2026-11-25T00:00:00Z` */
function conflictsOf(causes: readonly Cause[]): readonly FieldConflict[] {
  return causes.flatMap(({ reason, message = '', field = '' }) => {
    const quoted =
      reason === 'FieldManagerConflict' ? /^conflict with ("(?:[^"\\]|\\.)*")/.exec(message)?.[1] : undefined;
    return quoted === undefined ? [] : [{ manager: unquote(quoted), field }];
  });
}

/** Go's %q is JSON's notation for all that may stand in a manager's name, but for control characters. */
function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1); // better the name with its escapes than none
  }
}

function retryAfterMs(seconds: string | undefined): number | undefined {
  const number = Number(seconds);
  return seconds !== undefined && seconds !== '' && number >= 0 ? number * 1000 : undefined;
}
