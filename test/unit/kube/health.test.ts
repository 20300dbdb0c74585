import { expect, test } from '@jest/globals';
import { alive, healthReport, synced } from '../../../operator/kube/health.ts';

test('names what is wrong, one line a check', () => {
  const pods = synced({ name: 'pods', problem: () => 'not listed yet' });
  const loop = alive({ name: 'scaler', stuck: new Set(), isAlive: () => true });
  expect(healthReport([pods, loop])).toEqual({
    healthy: false,
    text: '[-]synced-pods failed: not listed yet\n[+]loop-scaler ok\n',
  });
  expect(healthReport([loop]).healthy).toBe(true);
});

test('a loop that takes no keys names those that hold it up', () => {
  const check = alive({ name: 'scaler', stuck: new Set(['n/a', 'n/b']), isAlive: () => false });
  expect(check.problem()).toBe('takes no more keys; stuck: n/a, n/b');
});
