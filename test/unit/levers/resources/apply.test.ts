import { describe, expect, test } from '@jest/globals';
import { refusal } from '../../../../operator/kube/api-error.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import type { Outcome } from '../../../../operator/levers/lever.ts';
import { apply } from '../../../../operator/levers/resources/apply.ts';
import { plan } from '../../../../operator/levers/resources/plan.ts';
import { podView } from '../../../world/pod-view.ts';
import { unitWith } from './units.ts';

const unit = unitWith();
const template = { name: 'app', requests: {}, limits: {} };
const bare = {
  name: 'app',
  cpuRequest: undefined,
  cpuLimit: undefined,
  memoryRequest: undefined,
  memoryLimit: undefined,
};

/** What becomes of a resize that the API server answers so. */
function resized(status: number, message: string, reason = ''): Promise<Outcome> {
  const pods = [podView('a', { containers: [bare] })];
  const observed = { pods, canResize: true, template, newPods: undefined, strays: [] };
  const { changes } = plan({ unit, observed, memory: undefined, now: 0 });
  const change = changes.find(({ kind }) => kind === 'resize');
  if (change === undefined) throw new Error('no resize was planned');
  const body = { kind: 'Status', message, details: { causes: [{ reason }] } };
  const kube: Partial<Kube> = {
    patch: () => Promise.reject(refusal({ verb: 'patch', target: 'Pod ai/a' }, { status, body })),
  };
  return apply(change, unit, { kube: kube as Kube }, new AbortController().signal);
}

describe('a resize', () => {
  test.each([
    { name: 'of a webhook, whatever words it has', status: 403, message: 'you cannot patch Pods of team a' },
    {
      name: 'for a right that is missing',
      status: 403,
      message: 'pods "a" is forbidden: User "genops" cannot patch resource "pods/resize" in API group ""',
    },
    { name: 'of the schema', status: 422, message: 'Pod "a" is invalid' },
  ])('is refused in the server’s words: $name', async ({ status, message }) => {
    const outcome = await resized(status, message);
    expect(outcome).toMatchObject({
      result: 'refused',
      fields: ['a requests.cpu', 'a requests.memory', 'a limits.cpu', 'a limits.memory'],
      condition: { status: 'False', reason: 'ResizeRefused', message: expect.stringContaining(message) },
    });
  });

  test('names the value of the chart where the right is missing, and only there', async () => {
    const says = expect.objectContaining({
      condition: expect.objectContaining({ message: expect.stringContaining('rights.resize: true in the values') }),
    });
    const forbidden = 'pods "a" is forbidden: User "genops" cannot patch resource "pods/resize" in API group ""';
    expect(await resized(403, forbidden)).toEqual(says);
    expect(await resized(403, 'you cannot patch Pods of team a')).not.toEqual(says);
    expect(await resized(422, 'Pod "a" is invalid')).not.toEqual(says);
  });

  test('of a Pod that has ended is nothing; a namespace that goes, and a server that is lost, are not its answer', async () => {
    expect(await resized(404, 'not found')).toEqual({ result: 'nothing' });
    await expect(resized(403, 'it is terminated', 'NamespaceTerminating')).rejects.toMatchObject({ status: 403 });
    await expect(resized(503, 'too busy')).rejects.toMatchObject({ status: 503 });
  });
});
