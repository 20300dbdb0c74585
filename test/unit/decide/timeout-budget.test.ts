import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { judgeTimeouts, type TimeoutsInput } from '../../../operator/decide/timeout-budget.ts';

const judged = (overrides: PolicySpec = {}, given: Partial<TimeoutsInput> = {}) =>
  judgeTimeouts({
    component: 'workflow',
    policy: effectivePolicy({ overrides }).policy,
    isBehindNginx: true,
    hasRuntime: true,
    hasPostgres: true,
    ...given,
  });

describe('judgeTimeouts()', () => {
  test('the defaults nest: 30 s and twice 30 s within the 60 s of nginx', () => {
    expect(judged()).toEqual({
      problems: [],
      fits: [
        'runtime.http.timeout 30s within loadBalancer.api.readTimeout 60s',
        'twice runtime.postgresPool.commandTimeout (the wait for a connection, then the statement) 60s within loadBalancer.api.readTimeout 60s',
      ],
    });
  });

  test.each<[string, PolicySpec, string]>([
    [
      'a request that outlasts nginx',
      { runtime: { http: { timeout: '60001ms' } } },
      'saw runtime.http.timeout 60001ms inside loadBalancer.api.readTimeout 60s of workflow: nginx answers 504 while the service still works at it; wanted at most 60s; next: lower runtime.http.timeout, or raise loadBalancer.api.readTimeout',
    ],
    [
      'the wait for a connection and the statement after it (2 × 31 s)',
      { runtime: { postgresPool: { commandTimeout: '31s' } } },
      'saw twice runtime.postgresPool.commandTimeout (the wait for a connection, then the statement) 62s inside',
    ],
    [
      'a statement that outlasts its pool',
      { postgres: { parameters: { statement_timeout: '30001' } } },
      'saw postgres.parameters.statement_timeout 30001ms inside runtime.postgresPool.commandTimeout 30s of workflow: the statement goes on',
    ],
    [
      'a pool that keeps what the server closes',
      { postgres: { parameters: { idle_session_timeout: '4min' } } },
      'saw runtime.postgresPool.idleTimeout 300s inside postgres.parameters.idle_session_timeout 240s of workflow',
    ],
  ])('says %s', (_, overrides, text) => {
    const { problems } = judged(overrides);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(text);
  });

  test.each<[string, PolicySpec]>([
    ['as long as the pool waits', { postgres: { parameters: { statement_timeout: '30s' } } }],
    ['none at all', { postgres: { parameters: { statement_timeout: '0', idle_session_timeout: '0' } } }],
    ['idle as long as the pool keeps it', { postgres: { parameters: { idle_session_timeout: '5 min' } } }],
  ])('nothing is amiss with %s', (_, overrides) => expect(judged(overrides).problems).toEqual([]));

  test('what nobody has from us is not judged', () => {
    const late: PolicySpec = {
      runtime: { http: { timeout: '2m' } },
      postgres: { parameters: { statement_timeout: '1h' } },
    };
    expect(judged(late, { hasRuntime: false })).toEqual({ problems: [], fits: [] });
    expect(judged(late, { isBehindNginx: false }).problems).toHaveLength(1);
    expect(judged(late, { hasPostgres: false }).problems).toHaveLength(1);
  });
});
