import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import { report, type ReportDeps } from '../../../operator/reconcilers/report.ts';

const service = {
  metadata: { namespace: 'ai', name: 'generation', uid: 'first', resourceVersion: '1', generation: 1 },
  spec: { components: [] },
} as unknown as GenerationService & KubeObject;

/** Reports a problem of a service whose status the API server answers so. */
function reported(status: number): Promise<void> {
  const said = new ApiError({ verb: 'apply', target: 'it' }, { status, reason: `Status${status}`, message: 'no' });
  const deps = { kube: { apply: () => Promise.reject(said) }, clock: { now: () => 0 } } as unknown as ReportDeps;
  return report(
    service,
    { kind: 'problem', resolution: { kind: 'problem', conditions: [] } } as unknown as Parameters<typeof report>[1],
    { ...deps, events: { record: () => undefined } as unknown as ReportDeps['events'] },
    new AbortController().signal,
  );
}

test('the status of a service that is gone meanwhile is no failure', async () => {
  await expect(reported(404)).resolves.toBeUndefined();
});

test('any other refusal of a status is', async () => {
  await expect(reported(422)).rejects.toThrow('apply it: no');
});
