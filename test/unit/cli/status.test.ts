import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { leaderText, vouching } from '../../../operator/cli/status-operator.ts';
import { statusText } from '../../../operator/cli/status.ts';
import type { UnitMemory } from '../../../operator/levers/lever.ts';
import type { Lease } from '../../../operator/kube/lease.ts';
import { storedService } from '../../world/builders.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const service = (status: GenerationServiceStatus) => storedService({ status });

test('genops status names the policy of the spec, and the one in force where that is another', () => {
  const named = (name: string, policy?: { readonly name?: string }) => {
    const { spec, ...rest } = service(policy === undefined ? {} : { policy });
    return statusText({ ...rest, spec: { ...spec, policyRef: { name } } }, {}, now);
  };
  expect(named('fast', { name: 'fast' })).toMatch(/policy fast(?! \()/);
  expect(named('fsat', { name: 'fast' })).toContain('policy fsat (in force is fast)');
  expect(named('fsat', {})).toContain('policy fsat (in force are the defaults)');
  expect(named('fsat')).toMatch(/policy fsat(?! \()/);
});

test('genops status shows the mode that holds: that of the annotation, not of the spec', () => {
  expect(statusText(service({ mode: 'Paused' }), {}, now)).toContain('   mode Paused   policy');
  expect(statusText(service({}), {}, now)).toContain('   mode Enforce   policy');
});

test('genops status -o wide says since when each condition stands', () => {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Reconciled',
    message: 'All is in force.',
    lastTransitionTime: '2025-12-31T23:30:00Z',
    observedGeneration: 1,
  } as const;
  const looked = service({ conditions: [condition] });
  expect(statusText(looked, {}, now, 'wide')).toMatch(/Ready +True +Reconciled +30m ago +All is in force/);
  expect(statusText(looked, {}, now)).toMatch(/Ready +True +Reconciled +All is in force/);
});

test('genops status has one empty line above each section', () => {
  const page = statusText(
    service({ objectivesMet: '0/6', redis: [{ name: 'cache', server: 'Redis', version: '7.0.15' }], conditions: [] }),
    {},
    now,
  );
  expect(page).not.toContain('\n\n\n');
  expect(page).toMatch(/\S\n\nObjectives\n.*\n\nRedis\n.*\n$/);
});

interface Row {
  readonly name: string;
  readonly status: GenerationServiceStatus;
  readonly says: RegExp;
}
test.each<Row>([
  {
    name: 'a grade with its points',
    status: {
      rating: {
        grade: 'Good',
        score: 70,
        scoredOf: 100,
        parts: { cpu: 25, memory: 15, responseTime: 15, cacheHitRatio: 15 },
      },
    },
    says: /policy defaults {3}grade Good \(70 of 100 points\)/,
  },
  {
    name: 'a grade by half of the parts as such',
    status: { rating: { grade: 'Excellent', score: 50, scoredOf: 50, parts: { cpu: 25, memory: 25 } } },
    says: /grade Excellent \(50 of the 50 points that are known; not known: responseTime, cacheHitRatio\)/,
  },
  {
    name: 'in words what points there are without a grade',
    status: { rating: { grade: 'Unknown', score: 25, scoredOf: 25, parts: { cacheHitRatio: 25 } } },
    says: /grade Unknown \(25 of the 25 points that are known; not known: cpu, memory, responseTime\)/,
  },
  {
    name: 'a grade of which no point is known',
    status: { rating: { grade: 'Unknown', scoredOf: 0 } },
    says: /policy defaults {3}grade Unknown \(no part is known: cpu, memory, responseTime, cacheHitRatio\) {3}\(/,
  },
  {
    name: 'how many objectives are met while nothing was measured',
    status: { objectivesMet: '0/6' },
    says: /^Objectives\n {2}0\/6 met: none was measured yet/m,
  },
  {
    name: 'each objective once there are figures',
    status: {
      objectivesMet: '1/6',
      objectives: [{ name: 'Memory', state: 'Met', target: '2048Mi', measured: '512Mi', attainment: '0.995' }],
    },
    says: /^Objectives\n {2}✅ Memory {2,}512Mi {2,}target 2048Mi {2,}kept for 99\.5 % of the judged time/m,
  },
  {
    name: 'how old the figure of an objective is',
    status: {
      objectives: [
        { name: 'Memory', state: 'Met', target: '2048Mi', measured: '512Mi', observedAt: '2025-12-31T23:48:00Z' },
      ],
    },
    says: /^ {2}✅ Memory {2,}512Mi {2,}of 12m ago {2,}target 2048Mi/m,
  },
  {
    name: 'no age of a figure that is fresh: it was only written down then',
    status: {
      objectives: [
        { name: 'Memory', state: 'Met', target: '2048Mi', measured: '512Mi', observedAt: '2025-12-31T23:48:00Z' },
      ],
      conditions: [
        {
          type: 'MetricsAvailable',
          status: 'True',
          reason: 'Fresh',
          message: 'Every needed signal is fresh.',
          lastTransitionTime: '2025-12-31T23:00:00Z',
          observedGeneration: 1,
        },
      ],
    },
    says: /^ {2}✅ Memory {2,}512Mi {2,}target 2048Mi/m,
  },
  {
    name: 'no bounds of ours for an autoscaler that somebody else has',
    status: {
      components: [{ name: 'workflow', replicas: { current: 3, floor: 3, min: 2, max: 8 } }],
      conditions: [
        {
          type: 'HorizontalApplied',
          status: 'False',
          reason: 'Conflict',
          message: 'saw the HorizontalPodAutoscaler web; wanted none; remove it',
          lastTransitionTime: '2025-12-31T23:00:00Z',
          observedGeneration: 1,
        },
      ],
    },
    says: /^ {2}workflow {2,}3 now {2,}not ours \(Conflict\)\s*$/m,
  },
  {
    name: 'when the last decision was made',
    status: {
      components: [
        {
          name: 'workflow',
          replicas: { current: 3, floor: 3, min: 2, max: 8 },
          decision: { action: 'Raise', from: 2, to: 3, message: '40 requests/s.', time: '2025-12-31T21:00:00Z' },
        },
      ],
    },
    says: /Raise 2 → 3, 3h ago: 40 requests\/s\./,
  },
  {
    name: 'in how many Pods the runtime settings are in force',
    status: { components: [{ name: 'workflow', runtime: { hash: '77d0a1b2c3d4', podsCurrent: 1, podsTotal: 2 } }] },
    says: /^Runtime settings\n {2}workflow {2}77d0a1b2c3d4 {2}in force in 1 of 2 Pods$/m,
  },
  {
    name: 'what a vertical autoscaler recommends, as far as it does',
    status: {
      components: [
        { name: 'workflow', recommendation: { cpu: '590m', memory: '1300Mi' } },
        { name: 'cache', recommendation: { memory: '250Mi' } },
        { name: 'queue' },
      ],
    },
    says: /^Recommended by the vertical autoscaler\n {2}workflow {2}cpu 590m {2}memory 1300Mi\n {2}cache {5}- {9}memory 250Mi\n/m,
  },
])('genops status shows $name', ({ status, says }) => {
  expect(statusText(service(status), {}, now)).toMatch(says);
});

describe('genops status shows of Redis', () => {
  const redis = [{ name: 'cache', server: 'Redis', version: '7.0.15', pendingRestart: ['tcp-backlog'] }];
  const memory = {
    'redis/cache': {
      originals: { maxmemory: '0', save: '3600 1' },
      applied: { maxmemory: '1073741824', hz: '10', save: '', 'tcp-keepalive': '300' },
      unconfirmed: ['tcp-keepalive'],
    },
  };

  test('each setting in force with what it was, but not what was only intended', () => {
    expect(statusText(service({ redis }), memory, now)).toContain(
      [
        'Redis',
        '  cache  Redis 7.0.15  3 settings in force; waits for a restart: tcp-backlog',
        '    hz         10          as it was',
        '    maxmemory  1073741824  was 0',
        '    save       ""          was 3600 1\n',
      ].join('\n'),
    );
  });
  test('drift that is put back, and drift that is only told as what differs', () => {
    const drifted = [{ ...redis[0], name: 'cache', drifted: 1, pendingRestart: [] }];
    const text = (status: GenerationServiceStatus) => statusText(service({ redis: drifted, ...status }), memory, now);
    const told = '2 of 3 settings in force, 1 differs (see RedisApplied; below is what was set last)\n    hz ';
    expect(text({ mode: 'Enforce' })).toContain('3 settings in force; 1 put back at the last visit\n');
    expect(text({ mode: 'DryRun' })).toContain(told);
    expect(text({ mode: 'Paused' })).toContain(told);
    const dryRun = { type: 'RedisApplied', status: 'True', reason: 'DryRun', message: 'Would change hz.' } as const;
    const conditions = [{ ...dryRun, lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 }];
    expect(text({ mode: 'Enforce', conditions })).toContain(told);
    expect(text({ mode: 'DryRun' })).not.toContain('put back');
  });
  test('of several nodes their number, and what they have in common once', () => {
    const sentinel = [{ ...redis[0], name: 'cache', topology: 'Sentinel', nodes: 2, pendingRestart: [] }];
    const node = { originals: { maxmemory: '0' }, applied: { maxmemory: '1gb' } };
    const text = (nodes: object) =>
      statusText(service({ redis: sentinel }), { 'redis/cache': { address: 's:1/m', nodes } as UnitMemory }, now);
    expect(text({ 'a:1': node, 'b:1': node })).toContain(
      '  cache  Redis 7.0.15  Sentinel, 2 nodes; 1 settings in force\n    maxmemory  1gb  was 0\n',
    );
    const pending = service({ redis: [{ ...sentinel[0], name: 'cache', pendingNodes: 1 }] });
    expect(statusText(pending, {}, now)).toContain('Sentinel, 2 nodes, 1 of them not answering');
    expect(text({ 'a:1': node, 'b:1': { ...node, originals: {} } })).toContain(
      ['    on a:1:', '    maxmemory  1gb  was 0', '    on b:1:', '    maxmemory  1gb  as it was\n'].join('\n'),
    );
  });
  test('that there is more, to somebody who may not read it', () => {
    expect(statusText(service({ redis }), 'Forbidden', now)).toMatch(
      /cache {2}Redis 7\.0\.15 .*\n {2}you may not read/,
    );
    expect(statusText(service({}), 'Forbidden', now)).not.toContain('you may not read');
  });
});

test('genops status shows of PostgreSQL what is in force, what waits, and what postgresql.auto.conf had', () => {
  const connections = { needed: 95, available: 97 };
  const postgres = [
    {
      name: 'main',
      version: '18.4',
      pendingRestart: ['max_connections'],
      connections,
      indexes: [
        { name: 'by_status', state: 'Building' as const, phase: 'building index: scanning table', percent: 40 },
        { name: 'by_time', state: 'Valid' as const, used: false },
        { name: 'by_size', state: 'Valid' as const, used: true },
        { name: 'by_kind', state: 'Advised' as const, on: 'public.t (kind)', gain: 'not proven' },
      ],
      slowStatements: {
        source: 'pg_stat_statements' as const,
        observedAt: '2026-01-01T00:00:00Z',
        statements: [
          { statement: 'SELECT * FROM t WHERE a = ?', calls: 12, mean: '1250ms', max: '2500ms', min: '3ms' },
        ],
      },
    },
    { name: 'other' },
  ];
  const memory = {
    'postgresql/main': {
      originals: { work_mem: '8MB', jit: null, max_connections: null, max_wal_size: null },
      applied: {
        work_mem: '16MB',
        jit: 'off',
        max_connections: '120',
        checkpoint_timeout: '15min',
        max_wal_size: '2GB',
      },
      unconfirmed: ['max_wal_size'],
    },
  };
  expect(statusText(service({ postgres }), memory, now)).toContain(
    [
      'PostgreSQL',
      '  main  PostgreSQL 18.4  3 parameters in force; waits for a restart: max_connections; may need 95 of 97 connections',
      '    checkpoint_timeout  15min  as it was',
      '    jit                 off    was not set',
      '    max_connections     120    was not set, after a restart',
      '    work_mem            16MB   was 8MB',
      '    index by_status  Building  building index: scanning table, 40 %',
      '    index by_time    Valid     not read yet',
      '    index by_size    Valid',
      '    index by_kind    Advised   public.t (kind), not proven',
      '    slow: 12 times  1250ms on average  2500ms at most  SELECT * FROM t WHERE a = ?',
      '  other  not looked at yet\n',
    ].join('\n'),
  );
});

describe('the first line of genops status says whether the status is kept up to date', () => {
  const lease = (holderIdentity: string, agoMs: number): Lease => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      namespace: 'genops-system',
      name: 'genops',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { holderIdentity, leaseDurationSeconds: 15, renewTime: new Date(now - agoMs).toISOString() },
  });
  test.each<{ readonly name: string; readonly seen: Lease | 'Forbidden' | undefined; readonly says: RegExp }>([
    { name: 'it leads', seen: lease('genops-7c', 3_000), says: /^genops-7c leads, it has renewed its Lease 3s ago$/ },
    {
      name: 'its clock is a little ahead',
      seen: lease('genops-7c', -2_000),
      says: /^genops-7c leads, it has renewed its Lease 0s ago$/,
    },
    {
      name: 'it is about to lose its Lease',
      seen: lease('genops-7c', 14_900),
      says: /^genops-7c leads, it has renewed its Lease 15s ago$/,
    },
    {
      name: 'it has let its Lease run out',
      seen: lease('genops-7c', 15_000),
      says: /^genops-7c has not renewed the Lease genops-system\/genops for 15s, it holds for 15s: what follows is what was written last; next: kubectl get pods/,
    },
    {
      name: 'it is dead',
      seen: lease('genops-7c', 240_000),
      says: /^nobody has renewed the Lease genops-system\/genops for 4m \(genops-7c has had it\): what follows is what was written last; next: kubectl get pods -n genops-system$/,
    },
    { name: 'it was shut down', seen: lease('', 240_000), says: /^none leads, the last has let go of .* 4m ago: what/ },
    { name: 'there has never been one', seen: undefined, says: /^nobody has had .*--lease-namespace$/ },
    { name: 'the user may not know', seen: 'Forbidden', says: /^not known, you may not read .* may be old$/ },
  ])('$name', ({ seen, says }) => {
    const about = { namespace: 'ai', isUnseen: false };
    expect(leaderText(seen, { namespace: 'genops-system', about, now })).toMatch(says);
  });

  test.each<{
    readonly name: string;
    readonly said?: string;
    readonly isUnseen: boolean;
    readonly agoMs?: number;
    readonly says: RegExp;
  }>([
    { name: 'looks after all', said: '*', isUnseen: true, says: /ago$/ },
    { name: 'looks after this one too', said: 'team,ai', isUnseen: true, says: /ago$/ },
    {
      name: 'looks after another',
      said: 'team',
      isUnseen: false,
      says: /ago, but looks after team only, not ai; next: add it to `namespaces` of its chart, or name where the operator of ai is installed with --lease-namespace$/,
    },
    {
      name: 'looks after another, and is dead',
      said: 'team',
      isUnseen: false,
      agoMs: 120_000,
      says: /^nobody has renewed .* for 2m \(genops-7c has had it\), and that one looks after team only, not ai: what follows is what was written last; next: add it to `namespaces` of its chart/,
    },
    {
      name: 'looks after many others',
      said: 'a,b,c,d,e,f,g',
      isUnseen: true,
      says: / a, b, c, d, e and 2 more only, not ai/,
    },
    { name: 'does not say what it looks after', isUnseen: false, says: /ago$/ },
    {
      name: 'does not say it, and has never looked at this service',
      isUnseen: true,
      says: /ago; where ai stays without a status, it may look after other namespaces only .* is meant: --lease-namespace$/,
    },
  ])('one that has the Lease and $name', ({ said, isUnseen, agoMs = 3_000, says }) => {
    const { metadata, ...rest } = lease('genops-7c', agoMs);
    const annotations = said === undefined ? {} : { 'genops.dev/namespaces': said };
    const seen = { ...rest, metadata: { ...metadata, annotations } };
    expect(leaderText(seen, { namespace: 'genops-system', about: { namespace: 'ai', isUnseen }, now })).toMatch(says);
    const vouched = vouching(seen, { namespace: 'genops-system', of: 'ai', now });
    const isElsewhere = said !== undefined && !/\*|ai/.test(said);
    expect(vouched).toEqual(
      isElsewhere ? { unknown: expect.stringMatching(/: judged by what was written last/) } : undefined,
    );
  });

  test('a Lease that is not there is no silence: an operator with --no-leader-elect has none', () => {
    const of = (seen: Lease | undefined) => vouching(seen, { namespace: 'genops-system', of: 'ai', now });
    expect(of(undefined)).toEqual({
      unknown: expect.stringMatching(/^operator: not known, nobody has had the Lease /),
    });
    expect(of(lease('genops-7c', 240_000))).toEqual({ silence: expect.stringMatching(/^nobody has renewed /) });
    expect(of(lease('', 240_000))).toEqual({ silence: expect.stringMatching(/^none leads/) });
    expect(of(lease('genops-7c', 3_000))).toBeUndefined();
  });
});
