import { milliseconds } from '../api/duration.ts';
import { problemMessage } from '../api/problem.ts';
import type { EffectivePolicy } from './effective-policy.ts';

/** What waits for what, of one component. */
export interface TimeoutsInput {
  readonly component: string;
  readonly policy: Pick<EffectivePolicy, 'loadBalancer' | 'runtime' | 'postgres'>;
  /** Its answers go through nginx, which gives up on them. */
  readonly isBehindNginx: boolean;
  /** It has its own time-outs from us. */
  readonly hasRuntime: boolean;
  readonly hasPostgres: boolean;
}

interface TimeoutsBudget {
  readonly problems: readonly string[];
  /** `nginx 60s ≥ …`, for what nests. */
  readonly fits: readonly string[];
}

/** One that waits, and what it waits for: what is inside has to give up first. */
interface Nesting {
  readonly outer: string;
  readonly outerMs: number;
  readonly inner: string;
  readonly innerMs: number;
  /** What comes of it where it does not. */
  readonly harm: string;
  readonly next: string;
}

/** Whether each gives up only after what it waits for: nginx, the service's own requests and statements, its pool, the statement on the server. */
export function judgeTimeouts(input: TimeoutsInput): TimeoutsBudget {
  const judged = nestings(input).map((one) => ({ ...one, fits: one.innerMs <= one.outerMs }));
  return {
    problems: judged.filter(({ fits }) => !fits).map((one) => problemOf(one, input.component)),
    fits: judged
      .filter(({ fits }) => fits)
      .map(({ outer, outerMs, inner, innerMs }) => `${inner} ${text(innerMs)} within ${outer} ${text(outerMs)}`),
  };
}

function nestings(input: TimeoutsInput): readonly Nesting[] {
  const { isBehindNginx, hasRuntime, hasPostgres } = input;
  return [
    ...(isBehindNginx && hasRuntime ? withinNginx(input) : []),
    ...(hasRuntime && hasPostgres ? withinPool(input) : []),
  ];
}

function withinNginx({ policy: { loadBalancer, runtime }, hasPostgres }: TimeoutsInput): readonly Nesting[] {
  const nginx = { outer: 'loadBalancer.api.readTimeout', outerMs: milliseconds(loadBalancer.api.readTimeout) };
  const harm = 'nginx answers 504 while the service still works at it';
  const statementMs = milliseconds(runtime.postgresPool.commandTimeout);
  return [
    {
      ...nginx,
      inner: 'runtime.http.timeout',
      innerMs: milliseconds(runtime.http.timeout),
      harm,
      next: 'lower runtime.http.timeout, or raise loadBalancer.api.readTimeout',
    },
    ...(hasPostgres
      ? [
          {
            ...nginx,
            inner: 'twice runtime.postgresPool.commandTimeout (the wait for a connection, then the statement)',
            innerMs: 2 * statementMs,
            harm,
            next: 'lower runtime.postgresPool.commandTimeout, or raise loadBalancer.api.readTimeout',
          },
        ]
      : []),
  ];
}

/** What the policy sets on the server: where it sets nothing the session's own holds, which genops/runtime sets. */
function withinPool({ policy: { runtime, postgres } }: TimeoutsInput): readonly Nesting[] {
  const { commandTimeout, idleTimeout } = runtime.postgresPool;
  const statementMs = postgresMs(postgres.parameters['statement_timeout']);
  const sessionMs = postgresMs(postgres.parameters['idle_session_timeout']);
  return [
    ...(statementMs === undefined
      ? []
      : [
          {
            outer: 'runtime.postgresPool.commandTimeout',
            outerMs: milliseconds(commandTimeout),
            inner: 'postgres.parameters.statement_timeout',
            innerMs: statementMs,
            harm: 'the statement goes on for nobody and keeps its connection and its locks',
            next: 'lower postgres.parameters.statement_timeout, or raise runtime.postgresPool.commandTimeout',
          },
        ]),
    ...(sessionMs === undefined
      ? []
      : [
          {
            outer: 'postgres.parameters.idle_session_timeout',
            outerMs: sessionMs,
            inner: 'runtime.postgresPool.idleTimeout',
            innerMs: milliseconds(idleTimeout),
            harm: 'the server closes connections that the pool hands out next',
            next: 'lower runtime.postgresPool.idleTimeout, or raise postgres.parameters.idle_session_timeout',
          },
        ]),
  ];
}

function problemOf({ outer, outerMs, inner, innerMs, harm, next }: Nesting, component: string): string {
  return problemMessage({
    saw: `${inner} ${text(innerMs)} inside ${outer} ${text(outerMs)} of ${component}: ${harm}`,
    wanted: `at most ${text(outerMs)}`,
    next,
  });
}

const unitMs: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 36e5, d: 864e5 };

/** As PostgreSQL reads it: a bare number is milliseconds. Undefined: none, 0 (never), or nothing that it would read. */
function postgresMs(value: string | undefined): number | undefined {
  const [, figure, unit = 'ms'] = /^\s*([0-9]+(?:\.[0-9]+)?)\s*(us|ms|s|min|h|d)?\s*$/.exec(value ?? '') ?? [];
  const ms = Number(figure ?? 0) * (unitMs[unit] ?? 0);
  return ms === 0 ? undefined : ms;
}

const text = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);
