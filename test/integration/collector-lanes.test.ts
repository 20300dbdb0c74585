import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { createCollector } from '../../operator/metrics/collector.ts';
import { failed, type Source } from '../../operator/metrics/sources/source.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { eventually } from '../world/eventually.ts';
import { podServing } from '../world/pod-view.ts';

const logger = createLogger({ level: 'error', format: 'text' });

test('a Pod that hung takes no place of those that answer, however long its turn for CPU and memory has waited for one', async () => {
  const asked: string[] = [];
  let isHeld = false;
  const gate = Promise.withResolvers<undefined>();
  const source: Source = {
    type: 'Pods',
    id: 'pods',
    forget: () => undefined,
    async read({ name }, signal) {
      asked.push(`${name} read`);
      if (name === 'hangs') await once(signal, 'abort');
      else if (isHeld) await gate.promise;
      return failed(name === 'hangs' ? 'TimedOut' : 'Unreachable', 'no');
    },
    async usage({ name }) {
      asked.push(`${name} usage`);
      return failed('TimedOut', 'no');
    },
  };
  using collector = createCollector({ metrics: createMetrics(), logger, concurrency: 2, suspects: 1 });
  const component = { containerName: undefined, intervalMs: 100, history: 60, windowMs: 6_000 };
  const track = (name: string, timeoutMs: number, of: Source) =>
    collector.track(`ai/${name}`, [{ ...component, name, source: of, timeoutMs, pods: () => [podServing(name, 1)] }]);
  track('hangs', 50, source);
  const of = (what: string): number => asked.filter((one) => one === what).length;
  await eventually(() => expect(of('hangs usage')).toBeGreaterThan(0));

  isHeld = true;
  track('answers', 60_000, { ...source, usage: undefined });
  await eventually(() => expect(of('answers read')).toBe(1)); // it has the only place
  await later(2_000); // more than the eight intervals until the other is looked at again
  const before = asked.length;
  gate.resolve(undefined);
  await eventually(() => expect(asked.slice(before).find((one) => one.startsWith('hangs'))).toBe('hangs usage'));
});
