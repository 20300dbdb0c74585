import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import { createStatusWrites } from '../../../operator/reconcilers/status-writes.ts';

const service = (uid: string, observedGeneration: number) =>
  ({
    metadata: { namespace: 'ai', name: 'generation', uid, resourceVersion: '5' },
    status: { observedGeneration },
  }) as unknown as GenerationService & KubeObject;

test('what was written counts until the cache shows it, and only for the service that it was written to', () => {
  let seen = 5;
  const writes = createStatusWrites({ hasSeen: (_, version) => seen >= Number(version) });
  writes.remember('ai/generation', { observedGeneration: 2 }, { resourceVersion: '7', uid: 'a' });
  expect(writes.of(service('a', 1))).toEqual({ observedGeneration: 2 });

  seen = 7;
  expect(writes.of(service('a', 3))).toEqual({ observedGeneration: 3 });

  writes.remember('ai/generation', { observedGeneration: 4 }, { resourceVersion: '9', uid: 'a' });
  expect(writes.of(service('b', 1))).toEqual({ observedGeneration: 1 });
});
