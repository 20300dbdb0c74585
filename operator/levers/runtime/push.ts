import { problemMessage } from '../../api/problem.ts';
import type { Outcome } from '../lever.ts';
import type { Acknowledged } from './acknowledged.ts';
import type { AdminClient, AdminReply } from './admin.ts';
import type { PushChange } from './plan.ts';

/** Tells the Pods which settings they are to run with, without waiting for their volume. What one has answered counts, also where others hang until the unit's time is up. */
export async function push(
  { admin, pods, total, text, hash }: PushChange,
  { client, acknowledged }: { readonly client: AdminClient; readonly acknowledged: Acknowledged },
  signal: AbortSignal,
): Promise<Outcome> {
  const onReply = (reply: AdminReply<'apply-settings'>): void => {
    if (reply.kind === 'done') acknowledged.add(reply.pod.uid, reply.result.hash);
  };
  const replies = await client.ask({ admin, pods, action: 'apply-settings', body: text, onReply }, signal);
  const failed = replies.filter((reply) => reply.kind === 'failed');
  const done = replies.filter((reply) => reply.kind === 'done');
  if (failed.length > 0) return { result: 'refused', fields: [], condition: notTaken(failed, { total, hash }) };
  return { result: done.some(({ result }) => result.hash !== result.hashBefore) ? 'applied' : 'nothing' };
}

type Failed = Extract<AdminReply<'apply-settings'>, { readonly kind: 'failed' }>;

function notTaken(failed: readonly Failed[], { total, hash }: Pick<PushChange, 'total' | 'hash'>) {
  const named = failed.slice(0, 5).map(({ pod, failure }) => `${pod.name} (${failure.message})`);
  const more = failed.length > named.length ? ` and ${failed.length - named.length} more` : '';
  const message = problemMessage({
    saw: `${failed.length} of ${total} Ready Pods that did not take the settings ${hash} over their admin port: ${named.join(', ')}${more}`,
    wanted: 'all of them',
    next:
      failed[0]?.failure.next ??
      'wait for their volume, which brings them within about a minute; or see why that port does not answer',
  });
  return { status: 'False', reason: 'PodsBehind', message } as const;
}
