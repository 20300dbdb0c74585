import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import { createStatusWrites } from '../../../operator/reconcilers/status-writes.ts';

const service = (uid: string, resourceVersion: string, observedGeneration: number) =>
  ({
    metadata: { namespace: 'ai', name: 'generation', uid, resourceVersion },
    status: { observedGeneration },
  }) as unknown as GenerationService & KubeObject;

test('what was written counts for a service that was read before it, and for no other', () => {
  const writes = createStatusWrites<GenerationService & KubeObject>();
  writes.remember('ai/generation', { observedGeneration: 2 }, { resourceVersion: '7', uid: 'a' });
  expect(writes.latest(service('a', '6', 1)).status).toEqual({ observedGeneration: 2 });
  expect(writes.latest(service('a', '7', 3)).status).toEqual({ observedGeneration: 3 });

  writes.remember('ai/generation', { observedGeneration: 4 }, { resourceVersion: '9', uid: 'a' });
  expect(writes.latest(service('b', '8', 1)).status).toEqual({ observedGeneration: 1 });
});
