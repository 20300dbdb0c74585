import { describe, expect, test } from '@jest/globals';
import { ApiError, refusal, unreachable } from '../../../operator/kube/api-error.ts';

const attempt = { verb: 'apply', target: 'HorizontalPodAutoscaler ai/generation' };
const conflict = (message: string, field: string) => ({ reason: 'FieldManagerConflict', message, field });
const status = (causes: readonly object[]) => ({
  kind: 'Status',
  reason: 'Conflict',
  code: 409,
  message: 'Apply failed with conflicts',
  details: { causes },
});

describe('refusal()', () => {
  test('names manager and field of each conflict', () => {
    const body = status([
      conflict('conflict with "kubectl-edit" using autoscaling/v2', '.spec.minReplicas'),
      conflict(
        'conflict with "say \\"hi\\"" with subresource "scale" using v1 at 2026-11-25T00:00:00Z',
        '.spec.replicas',
      ),
    ]);
    const error = refusal(attempt, { status: 409, body });
    expect(error).toBeInstanceOf(ApiError);
    expect(error.conflicts).toEqual([
      { manager: 'kubectl-edit', field: '.spec.minReplicas' },
      { manager: 'say "hi"', field: '.spec.replicas' },
    ]);
    expect(error.message).toBe(
      'apply HorizontalPodAutoscaler ai/generation: conflict: .spec.minReplicas belongs to kubectl-edit; .spec.replicas belongs to say "hi"',
    );
  });
  test('takes causes of other kinds for no conflicts', () => {
    const body = status([{ reason: 'FieldValueInvalid', message: 'conflict with "x"', field: 'spec' }]);
    expect(refusal(attempt, { status: 422, body })).toMatchObject({ conflicts: [], reason: 'Conflict', status: 422 });
  });
  test('knows a namespace that is going, and an object that somebody has written since, from lasting refusals', () => {
    const going = { reason: 'NamespaceTerminating', message: 'namespace ai is being terminated' };
    const forbidden = { kind: 'Status', reason: 'Forbidden', code: 403 };
    const told = ({ isNamespaceTerminating, isStale }: ApiError) => ({ isNamespaceTerminating, isStale });
    const refused = (code: number, body: object) => told(refusal(attempt, { status: code, body }));
    expect(refused(403, { ...forbidden, details: { causes: [going] } })).toEqual({
      isNamespaceTerminating: true,
      isStale: false,
    });
    expect(refused(403, forbidden)).toEqual({ isNamespaceTerminating: false, isStale: false });
    expect(refused(409, status([]))).toEqual({ isNamespaceTerminating: false, isStale: true });
    expect(refused(409, status([conflict('conflict with "kubectl" using v1', '.spec')]))).toMatchObject({
      isStale: false,
    });
    expect(refused(409, { kind: 'Status', reason: 'AlreadyExists', code: 409 })).toMatchObject({ isStale: false });
  });
  test('says what a proxy said, which knows no Status', () => {
    const error = refusal(attempt, { status: 502, body: '<html>Bad Gateway</html>', retryAfter: '3' });
    expect(error).toMatchObject({ status: 502, reason: 'Status502', retryAfterMs: 3000 });
    expect(error.message).toContain('<html>Bad Gateway</html>');
  });
  test('knows no time to wait from a date', () => {
    expect(refusal(attempt, { status: 503, body: '', retryAfter: 'Wed, 25 Nov 2026' }).retryAfterMs).toBeUndefined();
  });
});

test('what brought no answer has status 0 and says why', () => {
  const cause = new Error('connect ECONNREFUSED 127.0.0.1:1');
  expect(unreachable(attempt, 'https://127.0.0.1:1', cause, false)).toMatchObject({
    status: 0,
    reason: 'Unreachable',
    cause,
    message:
      'apply HorizontalPodAutoscaler ai/generation: https://127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  });
  expect(unreachable(attempt, 'https://127.0.0.1:1', cause, true).reason).toBe('TimedOut');
});
