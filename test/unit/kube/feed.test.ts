import { describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { Kube } from '../../../operator/kube/client.ts';
import { Feed } from '../../../operator/kube/feed.ts';
import { resource } from '../../../operator/kube/resource.ts';

const pods = resource({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true });

const listEnd = (version: number) => ({
  type: 'BOOKMARK',
  object: {
    metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } },
  },
});
const bookmark = (version: number) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: String(version) } },
});
const expired = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };

/** The body of one watch: some events, and then it ends or says nothing more. */
interface Body {
  readonly events: readonly unknown[];
  readonly ending: 'end' | 'silence';
}

async function* read({ events, ending }: Body, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await setImmediate(); // as an answer that comes at once
  for (const event of events) yield Buffer.from(`${JSON.stringify(event)}\n`);
  if (ending === 'end') return;
  const aborted = Promise.withResolvers<never>();
  if (signal.aborted) aborted.reject(signal.reason);
  signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true });
  await aborted.promise;
}

interface Run {
  /** `list` or `watch` for each stream that was asked for, `pages` for each list in pages. */
  readonly asked: readonly string[];
  /** How many had been asked for when the feed began to wait, and for how long it meant to. */
  readonly waits: readonly { readonly after: number; readonly retryMs: number }[];
  /** What its metrics were told of failures. */
  readonly failures: readonly string[];
}

/** Runs a feed against a server that answers with these bodies, the last one again and again, until `isOver`. */
async function run(bodies: readonly Body[], isOver: (run: Run) => boolean): Promise<Run> {
  const stop = new AbortController();
  const asked: string[] = [];
  const waits: { after: number; retryMs: number }[] = [];
  const failures: string[] = [];
  const note = () => {
    if (asked.length > 50 || isOver({ asked, waits, failures })) stop.abort(new Error('seen enough'));
  };
  const kube: Pick<Kube, 'stream' | 'listPage'> = {
    stream: ({ query }, signal) => {
      const body = bodies[Math.min(asked.filter((what) => what !== 'pages').length, bodies.length - 1)];
      asked.push(query?.['sendInitialEvents'] === true ? 'list' : 'watch');
      note();
      return Promise.resolve(read(body ?? { events: [], ending: 'silence' }, signal));
    },
    listPage: () => {
      asked.push('pages');
      note();
      return Promise.resolve({ items: [], resourceVersion: '1', continue: undefined });
    },
  };
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (_: string, fields: object = {}) => {
      if ('retryMs' in fields) waits.push({ after: asked.length, retryMs: Number(fields.retryMs) });
      note();
    },
  };
  const nothing = () => undefined;
  const metrics = { started: nothing, failed: (_: string, why: string) => failures.push(why) };
  const sink = { listing: nothing, page: nothing, listed: nothing, event: nothing, refused: nothing };
  await new Feed({ kube, resource: pods, query: {}, logger, metrics, silenceMs: 20, random: () => 0 }, sink).run(
    stop.signal,
  );
  return { asked, waits, failures };
}

describe('Feed', () => {
  test('waits, and each time longer, where watches end at once and tell nothing', async () => {
    const atOnce: Body = { events: [], ending: 'end' };
    const { waits, failures } = await run(
      [{ events: [listEnd(1)], ending: 'end' }, atOnce],
      (seen) => seen.waits.length === 3,
    );
    expect(waits).toEqual([
      { after: 2, retryMs: 100 },
      { after: 3, retryMs: 200 },
      { after: 4, retryMs: 400 },
    ]);
    expect(failures).toEqual(['error', 'error', 'error']);
  });

  test('goes on at once where a watch that ended has told something: a server closes one that is slow to be read', async () => {
    const bodies = [listEnd(1), bookmark(2), bookmark(3), bookmark(4)].map((event): Body => ({
      events: [event],
      ending: 'end',
    }));
    const { waits } = await run([...bodies, { events: [], ending: 'end' }], (seen) => seen.waits.length > 0);
    expect(waits).toEqual([{ after: 5, retryMs: 100 }]);
  });

  test('lists in pages after a list that fell silent, and asks for the next one as a stream again', async () => {
    const bodies: readonly Body[] = [
      { events: [], ending: 'silence' },
      { events: [expired], ending: 'end' },
      { events: [listEnd(2)], ending: 'silence' },
    ];
    const { asked, failures } = await run(bodies, (seen) => seen.asked.length === 4);
    expect(asked).toEqual(['list', 'pages', 'watch', 'list']);
    expect(failures).toEqual(['silent', 'expired']);
  });
});
