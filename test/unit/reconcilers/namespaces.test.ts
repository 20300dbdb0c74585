import { describe, expect, test } from '@jest/globals';
import { refusal, unreachable, type ApiError } from '../../../operator/kube/api-error.ts';
import type { Kube } from '../../../operator/kube/client.ts';
import { isTerminating } from '../../../operator/reconcilers/namespaces.ts';

const attempt = { verb: 'create', target: 'ConfigMap ai/genops-is-terminating' };
const refused = (status: number, reason: string, causes: readonly object[] = []): ApiError =>
  refusal(attempt, { status, body: { kind: 'Status', reason, message: reason, details: { causes } } });
const ask = (error: ApiError): Promise<boolean> =>
  isTerminating(
    'ai',
    {
      create: async () => {
        throw error;
      },
    } as Partial<Kube> as Kube,
    new AbortController().signal,
  );

describe('isTerminating()', () => {
  test.each([
    {
      name: 'a namespace that goes',
      error: refused(403, 'Forbidden', [{ reason: 'NamespaceTerminating' }]),
      expected: true,
    },
    { name: 'a quota', error: refused(403, 'Forbidden'), expected: false },
    { name: 'an admission policy', error: refused(422, 'Invalid'), expected: false },
  ])('is told by the refusal: $name', async ({ error, expected }) => {
    expect(await ask(error)).toBe(expected);
  });

  test.each([
    { name: 'no answer', error: unreachable(attempt, 'https://10.0.0.1', new Error('ECONNREFUSED'), false) },
    { name: 'too many requests', error: refused(429, 'TooManyRequests') },
    { name: 'a server that is not well', error: refused(503, 'ServiceUnavailable') },
  ])('does not take for no what is none: $name', async ({ error }) => {
    await expect(ask(error)).rejects.toBe(error);
  });
});
