import { expect, test } from '@jest/globals';
import { alive, healthReport, synced, whole } from '../../../operator/kube/health.ts';

test('names what is wrong, one line a check', () => {
  const pods = synced({ name: 'pods', problem: () => 'not listed yet' });
  const loop = alive({ name: 'scaler', stuck: new Set(), isAlive: () => true });
  expect(healthReport([pods, loop])).toEqual({
    healthy: false,
    text: '[-]synced-pods failed: not listed yet\n[+]loop-scaler ok\n',
  });
  expect(healthReport([loop]).healthy).toBe(true);
});

test('a namespace that is left out is said, and is no failure', () => {
  const leftOut = { current: () => new Map([['ai', 'pods is forbidden']]) };
  expect(healthReport([whole(leftOut)])).toEqual({
    healthy: true,
    text: '[+]namespaces ok: left out: ai (pods is forbidden)\n',
  });
  expect(healthReport([whole({ current: () => new Map() })]).text).toBe('[+]namespaces ok\n');
});

test('a loop that takes no keys names those that hold it up', () => {
  const check = alive({ name: 'scaler', stuck: new Set(['n/a', 'n/b']), isAlive: () => false });
  expect(check.problem()).toBe('takes no more keys; stuck: n/a, n/b');
});
