import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { GenerationService } from '../../../../operator/api/generation-service.ts';
import type { GenerationServiceStatus } from '../../../../operator/api/status.ts';
import { createRing } from '../../../../operator/metrics/windows.ts';
import type { ViewInput } from '../../../../operator/serve/views/figures.ts';
import { viewColumns, type Rows } from '../../../../operator/serve/views/rows.ts';
import { storedService } from '../../../world/builders.ts';

/** What the views' tests begin with. */
export const now = Date.UTC(2026, 10, 25, 12, 0, 0);
const timed = (value: number) => ({ value, observedAt: now - 4_000 });

export const service = (changes: Partial<GenerationService> = {}): GenerationService => ({
  ...storedService({
    metadata: { creationTimestamp: '2026-11-25T11:00:00Z' },
    spec: {
      components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' } }],
      redis: [{ name: 'cache', secretRef: { name: 'redis-secret' } }],
      postgres: [{ name: 'main', secretRef: { name: 'postgres-secret' } }],
    },
  }),
  ...changes,
});

/** Nothing was ever measured, and no status was written. */
export const unknown: ViewInput = {
  service: service(),
  policy: effectivePolicy({}).policy,
  components: [{ name: 'workflow', figures: undefined, pods: [{ name: 'a', state: 'Starting' }] }],
  redisHitRatio: undefined,
  cacheServers: [],
  databaseServers: [],
  now,
};

/** 100 observations: 50 of them up to 0.1 s, 45 up to 0.5 s, the rest beyond. */
const responseTime = {
  bounds: [0.1, 0.5, Infinity],
  counts: Float64Array.from([50, 45, 5]),
  sum: 20,
  count: 100,
  observedAt: now - 4_000,
};

export const measured: ViewInput = {
  ...unknown,
  components: [
    {
      name: 'workflow',
      figures: {
        coveredMs: 300_000,
        podsReady: 2,
        podsAnswered: 2,
        partial: [],
        requestRate: timed(40),
        requestRatePerPod: timed(20),
        cpuCores: timed(1.5),
        cpuPercent: timed(60),
        memoryPercent: timed(50),
        memoryBytes: timed(512 * 2 ** 20),
        errorRatio: timed(0.02),
        cacheHitRatio: timed(0.6),
        inFlight: timed(7),
        inFlightMax: timed(9),
        queue: timed(0),
        activeConnections: timed(3),
        histograms: { responseTime, workflowDuration: responseTime },
      },
      pods: [
        {
          name: 'a',
          state: 'Ready',
          observedAt: now - 4_000,
          cpuCores: 1,
          cpuPercent: 50,
          memoryBytes: 512 * 2 ** 20,
          memoryPercent: 25,
          activeConnections: 3,
        },
        { name: 'b', state: 'Ready', observedAt: now - 4_000, cpuCores: 0.5, memoryBytes: 256 * 2 ** 20 },
        { name: 'c', state: 'Terminating' },
      ],
    },
  ],
  redisHitRatio: timed(0.9),
  cacheServers: [
    {
      name: 'cache',
      observedAt: now - 8_000,
      hitRatio: 0.9,
      figures: {
        hits: 90,
        misses: 10,
        evictedKeys: 0,
        expiredKeys: 5,
        rejectedConnections: 1,
        writesRefused: 2,
        evictionExceededMs: 1_500,
        commands: 150,
        commandsPerSecond: 12,
        clients: 4,
        keys: 40,
        keysWithoutExpiry: 2,
        usedMemoryBytes: 3 * 2 ** 20,
        allocatedBytes: 4 * 2 ** 20,
        residentBytes: 12 * 2 ** 20,
        maxMemoryBytes: 2 ** 30,
        evictionPolicy: 'allkeys-lru',
        slowLog: { state: 'Known', commands: [{ at: now - 60_000, durationMs: 12.5, command: 'KEYS' }] },
        bigKeys: {
          state: 'Known',
          keys: [{ name: 'queue:jobs', bytes: 2 ** 20 }],
          largestBytes: 2 ** 20,
          scanned: 30,
          total: 40,
          observedAt: now - 8_000,
        },
      },
    },
  ],
  databaseServers: [
    {
      name: 'main',
      observedAt: now - 8_000,
      figures: {
        state: 'Known',
        epoch: '1',
        connections: 12,
        connectionsLimit: 97,
        transactions: 9_000,
        blocksHit: 800,
        blocksRead: 200,
        deadlocks: 3,
        tempBytes: 5 * 2 ** 20,
      },
      idleIndexes: {
        unused: [{ name: 'shop.sales.by_n', since: Date.parse('2026-11-01T00:00:00Z'), sizeBytes: 2 * 2 ** 20 }],
        twins: [['sales.orders_pkey', 'sales.by_id']],
      },
      work: { transactionsPerSecond: 25, cacheHitRatio: 0.95, deadlocks: 1, tempBytes: 2 ** 20 },
      slow: {
        state: 'Known',
        source: 'pg_stat_statements',
        statements: [
          {
            text: 'SELECT * FROM jobs WHERE id = ?',
            calls: 3,
            totalMs: 4_500.04,
            meanMs: 1_500.01,
            maxMs: 2_000,
            minMs: 1,
          },
        ],
      },
    },
  ],
};

/** Snapshots 10 s apart that end now. */
export function rows(figures: readonly Partial<Record<(typeof viewColumns)[number], number>>[], offsetMs = 0): Rows {
  const ring = createRing(viewColumns, 1_000);
  for (const [index, row] of figures.entries())
    ring.append(now - (figures.length - 1 - index) * 10_000 + offsetMs, row);
  return ring.since(0, viewColumns);
}

export const status: GenerationServiceStatus = {
  mode: 'DryRun',
  objectivesMet: '4/6',
  rating: { grade: 'Good', score: 65, scoredOf: 100 },
  objectives: [
    { name: 'Memory', state: 'NotMet', target: '2048Mi', since: '2026-11-25T11:30:00Z', attainment: '0.98' },
  ],
  components: [
    {
      name: 'workflow',
      metricsSource: 'Pods',
      replicas: { current: 2, min: 2, max: 4, boundBy: 'budget' },
      decision: { action: 'ScaleUp', from: 2, to: 4, reason: 'Load', message: 'why', time: '2026-11-25T11:50:00Z' },
    },
  ],
  redis: [
    { name: 'cache', server: 'Valkey', version: '8.1', topology: 'Sentinel', nodes: 3, pendingNodes: 1, drifted: 0 },
  ],
  postgres: [{ name: 'main', version: '18.4', pendingRestart: ['max_connections'] }],
  conditions: [
    {
      type: 'Ready',
      status: 'False',
      reason: 'Unreachable',
      message: 'it says no',
      lastTransitionTime: '2026-11-25T11:40:00Z',
      observedGeneration: 1,
    },
  ],
};
/** Measured, and with a status. */
export const told: ViewInput = { ...measured, service: service({ status }) };
