import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { report, type ReportDeps } from '../../../operator/reconcilers/report.ts';

const service = {
  metadata: { namespace: 'ai', name: 'generation', uid: 'first', resourceVersion: '1', generation: 1 },
  spec: { components: [] },
} as unknown as GenerationService & KubeObject;

/** Reports a problem of a service whose status the API server answers so. @returns The Events of it. */
async function reported(answer: () => ReturnType<ReportDeps['kube']['apply']>): Promise<readonly string[]> {
  const told: string[] = [];
  const deps = {
    kube: { apply: answer },
    clock: { now: () => 0 },
    statuses: { remember: () => undefined },
    told: createLastWords(),
    events: { record: ({ reason }: { reason: string }) => void told.push(reason) },
  } as unknown as ReportDeps;
  const rejected = { type: 'PolicyAccepted', status: 'False', reason: 'PolicyNotFound', message: 'saw none' } as const;
  const visit = { kind: 'problem', resolution: { kind: 'problem', conditions: [rejected] } } as const;
  try {
    await report(service, visit, deps, new AbortController().signal);
  } catch (error) {
    told.push(String(error));
  }
  return told;
}
const refusal = (status: number) => () =>
  Promise.reject(new ApiError({ verb: 'apply', target: 'it' }, { status, reason: `Status${status}`, message: 'no' }));

test('a change is told once its status is written', async () => {
  const metadata = { ...service.metadata, creationTimestamp: '' };
  expect(await reported(() => Promise.resolve(metadata))).toEqual(['PolicyNotFound']);
});

test('the status of a service that is gone meanwhile is no failure', async () => {
  expect(await reported(refusal(404))).not.toContainEqual(expect.stringContaining('ApiError'));
});

test('any other refusal of a status is, and nothing is told before it is written: each attempt would tell it again', async () => {
  expect(await reported(refusal(422))).toEqual(['ApiError: apply it: no']);
});
