import { describe, expect, test } from '@jest/globals';
import { block, latency, line, redis, type AccountInput } from '../../../../hack/demo/account.ts';
import { wrapped } from '../../../../hack/demo/screen.ts';
import { marks, sample, snapshot, untuned } from './recording.ts';

const decision = { action: 'ScaleUp', from: 4, to: 7, message: 'requests_per_second is 35 a Pod.' };
const objectives = [
  { name: 'CachedResponseTime' as const, state: 'Met' as const, target: '100ms', measured: '3ms' },
  { name: 'Memory' as const, state: 'Unknown' as const, target: '2Gi' },
];
const service = { ...snapshot(7).service, objectives, components: [{ name: 'workflow', decision }] };
const input: AccountInput = {
  sample: sample(42, snapshot(7, { service, replicas: { ready: 5, desired: 7 } })),
  totalSeconds: 185,
  marks,
  redisBefore: untuned,
  failed: 0,
};

describe('block()', () => {
  test('shows load, replicas, what the HPA sees, why, Redis, the service and what happened lately', () => {
    expect(block(input).map((row) => row.replaceAll('\u00A0', ' '))).toEqual([
      '  time      42 s of 185 s at most',
      '  load      140/s, 28 a Pod; p95 300 ms; 0 failed',
      '  replicas  5 of 7 Pods ready; floor 7',
      '  HPA sees  cpu 56 % of 300 %, requests/s through its floor',
      '  why       ScaleUp 4 → 7: requests_per_second is 35 a Pod.',
      '  Redis     maxmemory 0 noeviction  →  maxmemory 1gb allkeys-lru',
      '  service   Ready (Reconciled), objectives 5/5',
      '  goals     ✓ CachedResponseTime 3ms of 100ms, ? Memory unknown of 2Gi',
      '  lately    3 s: Redis by hand: maxmemory-policy noeviction;  5 s: repaired: maxmemory-policy allkeys-lru;  6 s: 7 → 2 Pods',
    ]);
  });
  test('says of what is unknown that it is', () => {
    const empty = snapshot(0, { autoscaler: undefined, service: undefined });
    const text = block({ ...input, marks: [], sample: sample(1, empty, { p95Ms: null }) }).join('\n');
    for (const words of [
      '– a Pod',
      'p95 –',
      'floor –',
      'no HPA yet',
      'no change so far',
      'not looked at yet',
      'nothing',
    ])
      expect(text).toContain(words);
  });
  test('shows requests per second where the HPA reads them itself', () => {
    const metrics = [{ name: 'requests_per_second', current: '20.5', target: '20' }];
    const autoscaler = { floor: 2, maxReplicas: 8, reasoning: 'able to calculate', metrics };
    const text = block({ ...input, sample: sample(1, snapshot(2, { autoscaler, service: undefined })) }).join('\n');
    expect(text).toContain('HPA sees  requests_per_second 20.5 of 20\n  why       able to calculate\n');
  });
});

test('line() has the same in one line', () => {
  expect(line(input)).toBe(
    ' 42 s  load 140/s  p95 300 ms   5 of 7 Pods ready  floor 7  cpu 56 % of 300 %  Redis maxmemory 1gb allkeys-lru  Ready (Reconciled), objectives 5/5  0 failed',
  );
});

test('redis() and latency() write amounts as people do', () => {
  expect([0, 256 * 2 ** 20, 2 ** 30].map((maxMemoryBytes) => redis({ maxMemoryBytes, policy: 'x' }))).toEqual([
    'maxmemory 0 x',
    'maxmemory 256mb x',
    'maxmemory 1gb x',
  ]);
  expect([null, 0.4, 999.4, 1500].map(latency)).toEqual(['–', '0 ms', '999 ms', '1.5 s']);
});

describe('wrapped()', () => {
  test('breaks between words and sets the rest in', () => {
    expect(wrapped('  why       one two three four', 22)).toEqual(['  why       one two', '            three four']);
  });
  test('leaves alone what fits, and breaks a word that fits nowhere', () => {
    expect(wrapped('short', 22)).toEqual(['short']);
    expect(wrapped('x'.repeat(30), 22)).toEqual(['x'.repeat(22), `${' '.repeat(12)}${'x'.repeat(8)}`]);
  });
});
