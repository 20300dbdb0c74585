import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import { resolve } from '../../../operator/decide/resolve.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { report, type ReportDeps } from '../../../operator/reconcilers/report.ts';
import type { Visit } from '../../../operator/reconcilers/status.ts';

const service = {
  metadata: { namespace: 'ai', name: 'generation', uid: 'first', resourceVersion: '1', generation: 1 },
  spec: { components: [] },
} as unknown as GenerationService & KubeObject;

/** What the API server answers to a status. */
type Answer = () => ReturnType<ReportDeps['kube']['apply']>;
const rejected = { type: 'PolicyAccepted', status: 'False', reason: 'PolicyNotFound', message: 'saw none' } as const;
const problem: Visit = { kind: 'problem', resolution: { kind: 'problem', conditions: [rejected] } };

/** Reports a visit. @returns The Events of it. */
async function reported(answer: Answer, visit = problem, of = service): Promise<readonly string[]> {
  const told: string[] = [];
  const deps = {
    kube: { apply: answer },
    clock: { now: () => 0 },
    statuses: { remember: () => undefined },
    told: createLastWords(),
    events: { record: ({ reason }: { reason: string }) => void told.push(reason) },
  } as unknown as ReportDeps;
  try {
    await report(of, visit, deps, new AbortController().signal);
  } catch (error) {
    told.push(String(error));
  }
  return told;
}

/** A visit that found nothing amiss. */
function reconciled(of: GenerationService): Visit {
  const resolution = resolve({ service: of, policy: undefined, targets: new Map(), podsMetrics: 'Shadow' });
  if (resolution.kind === 'problem') throw new Error(JSON.stringify(resolution.conditions));
  const assessment = {
    conditions: [],
    figures: {},
    look: undefined,
    components: new Map<string, never>(),
    running: [],
  };
  const budgets = { conditions: [], connections: new Map<string, never>() };
  const optimizer = { answer: undefined, kept: undefined };
  const rest = {
    budgets,
    optimizer,
    scaler: undefined,
    policyGeneration: undefined,
    policyHash: 'h',
    planHash: undefined,
    databaseServers: [],
  };
  return { kind: 'reconciled', resolution, results: [], assessment, ...rest };
}

const refusal = (status: number) => () =>
  Promise.reject(new ApiError({ verb: 'apply', target: 'it' }, { status, reason: `Status${status}`, message: 'no' }));

const taken: Answer = () => Promise.resolve({ ...service.metadata, creationTimestamp: '' });

test('a change is told once its status is written', async () => {
  expect(await reported(taken)).toEqual(['PolicyNotFound']);
});

test.each([
  { mode: 'Enforce', told: ['Ready'] },
  { mode: 'DryRun', told: [] }, // that it only reports is no news of how it is
  { mode: 'Paused', told: [] },
] as const)('a service that was unwell and is told to $mode has the Events $told', async ({ mode, told }) => {
  const ready = { type: 'Ready', status: 'False', reason: 'Conflict', message: 'saw another' } as const;
  const unwell = { ...service, status: { conditions: [{ ...ready, observedGeneration: 1, lastTransitionTime: '' }] } };
  const of = { ...unwell, spec: { ...service.spec, mode } } as GenerationService & KubeObject;
  expect(await reported(taken, reconciled(of), of)).toEqual(told);
});

test('the status of a service that is gone meanwhile is no failure', async () => {
  expect(await reported(refusal(404))).not.toContainEqual(expect.stringContaining('ApiError'));
});

test('any other refusal of a status is, and nothing is told before it is written: each attempt would tell it again', async () => {
  expect(await reported(refusal(422))).toEqual(['ApiError: apply it: no']);
});
