import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PodAmounts, Span } from '../../../operator/decide/pod-amounts.ts';
import { judgeQuotas, type PodsAsked, type Quota, type QuotaBudget } from '../../../operator/decide/quota-budget.ts';

const none: Span = { least: 0, most: 0 };
const asks = (amounts: Partial<PodAmounts>): PodAmounts => ({
  'requests.cpu': none,
  'requests.memory': none,
  'limits.cpu': none,
  'limits.memory': none,
  pods: { least: 1, most: 1 },
  ...amounts,
});
/** Half a core for each of 2 to 20. */
const workflow: PodsAsked = {
  by: 'workflow',
  minReplicas: 2,
  maxReplicas: 20,
  each: asks({ 'requests.cpu': { least: 500, most: 500 } }),
  hasFewer: true,
};
const gib = 2 ** 30;
const cpu = (cores: number) => ({ name: 'compute', hard: { 'requests.cpu': cores * 1000 } });
const judgeQuota = (quota: Quota, own: readonly PodsAsked[], others: readonly PodsAsked[]) =>
  judgeQuotas([quota], own, others);
const judgedOne = (...input: Parameters<typeof judgeQuota>): QuotaBudget => {
  const [only, ...more] = judgeQuota(...input);
  if (only === undefined || more.length > 0) throw new Error(`${more.length} more figures`);
  return only;
};
const web = { ...workflow, by: 'Deployment web', minReplicas: 4, maxReplicas: 4, hasFewer: false };

describe('judgeQuota()', () => {
  test('fits where all replicas ask for just what there is (20 × 500m)', () => {
    expect(judgedOne(cpu(10), [workflow], [])).toEqual({
      quota: 'compute',
      resource: 'requests.cpu',
      needed: 10_000,
      available: 10_000,
      replicas: new Map(),
    });
  });

  test('says the arithmetic, and what would fit', () => {
    const { problem, replicas } = judgedOne(cpu(10), [{ ...workflow, hasFewer: false }], [web]);
    expect(problem).toBe(
      'saw 12 requests.cpu that Pods may take of ResourceQuota compute at once: 10 of workflow (20 replicas, 500m each), 2 of Deployment web (4 replicas, 500m each); wanted at most 10; next: declare horizontal.maxReplicas: 16 for workflow, or raise requests.cpu of the quota to 12',
    );
    expect(replicas.size).toBe(0);
  });

  test.each<{ name: string; own?: readonly PodsAsked[]; others?: readonly PodsAsked[]; cores: number; are: object }>([
    { name: 'stay where it fits', cores: 10, are: {} },
    { name: 'come down to what there is: (4000 − 2 × 500) / 500 above 2', cores: 4, are: { workflow: 8 } },
    {
      name: 'and what nobody can lower comes first: (4000 − 4 × 500) / 500',
      others: [web],
      cores: 4,
      are: { workflow: 4 },
    },
    { name: 'never below minReplicas, though it does not fit', cores: 0.5, are: { workflow: 2 } },
    {
      name: 'for every service alike: 2 + 18 × (4000 − 2000) / 18 000',
      others: [{ ...workflow, by: 'workflow (ai/other)' }],
      cores: 4,
      are: { workflow: 4 },
    },
    { name: 'not where the autoscaler is not ours', own: [{ ...workflow, hasFewer: false }], cores: 4, are: {} },
  ])('replicas $name', ({ own = [workflow], others = [], cores, are }) =>
    expect(Object.fromEntries(judgedOne(cpu(cores), own, others).replicas)).toEqual(are),
  );

  test('what was lowered is told, and where that is not enough, that', () => {
    expect(judgedOne(cpu(4), [workflow], []).problem).toContain(
      'next: let it be so: budgets.onViolation has lowered horizontal.maxReplicas to 8 for workflow, or declare',
    );
    const { problem } = judgedOne(cpu(0.5), [workflow], []);
    expect(problem).toContain(
      ', of which budgets.onViolation has lowered horizontal.maxReplicas to 2 for workflow, which is not enough; wanted at most 500m; next: raise',
    );
  });

  test('what was lowered is what all figures leave, and other services come down too: 4 + 2 + 3 of 9 Pods', () => {
    const thumbs = { ...workflow, by: 'thumbs (ai/thumbs-app)', minReplicas: 1, maxReplicas: 10 };
    const proxy = { ...web, by: 'Deployment proxy', minReplicas: 3, maxReplicas: 3, each: asks({}) };
    const quotas = [
      { name: 'cpu', hard: { 'requests.cpu': 5_000 } },
      { name: 'pods', hard: { pods: 9 } },
    ];
    const judged = judgeQuotas(quotas, [workflow], [thumbs, proxy]);
    expect(judged.map(({ replicas }) => Object.fromEntries(replicas))).toEqual([{ workflow: 6 }, { workflow: 4 }]);
    const said =
      'next: let it be so: budgets.onViolation has lowered horizontal.maxReplicas to 4 for workflow, those of other services by the same share, or ';
    for (const { problem } of judged) expect(problem).toContain(said);
  });

  describe('Pods that a VerticalPodAutoscaler sizes', () => {
    const sized = { ...workflow, maxReplicas: 4, each: asks({ 'requests.memory': { least: gib / 2, most: 4 * gib } }) };
    const memory = (bytes: number) => ({ name: 'compute', hard: { 'requests.memory': bytes } });

    test('count at their most, and are no fewer for what they may never be given', () => {
      const { needed, replicas, problem } = judgedOne(memory(8 * gib), [sized], []);
      expect(needed).toBe(16 * gib);
      expect(replicas.size).toBe(0);
      expect(problem).toContain('(4 replicas, 4096Mi each (a VerticalPodAutoscaler may give from 512Mi on))');
      expect(problem).toContain('next: lower vertical.maxAllowed.memory by 2048Mi for workflow, or raise');
    });

    test('are fewer where the least of them is too much: 2 + 2 × 0.5 Gi / 1 Gi', () => {
      expect(Object.fromEntries(judgedOne(memory(1.5 * gib), [sized], []).replicas)).toEqual({ workflow: 3 });
    });
  });

  test('judges each figure by itself, and none of which our Pods take nothing', () => {
    const hard = { 'requests.cpu': 10_000, 'limits.memory': gib, pods: 10 };
    const judged = judgeQuota({ name: 'all', hard }, [workflow], []);
    expect(judged.map(({ resource, needed }) => [resource, needed])).toEqual([
      ['requests.cpu', 10_000],
      ['pods', 20],
    ]);
    expect(judged[1]?.problem).toMatch(/^saw 20 pods that .*: 20 of workflow; wanted at most 10;/);
  });

  test('names those who take most, and counts the others', () => {
    const others = Array.from({ length: 12 }, (_, at) => ({ ...web, by: `Deployment w${at}`, maxReplicas: at + 1 }));
    const { problem } = judgedOne(cpu(4), [workflow], others);
    expect(problem).toContain('10 of workflow (20 replicas, 500m each), 6 of Deployment w11');
    expect(problem).toContain(', 7500m of 5 more workloads, of which budgets.onViolation has');
  });

  test('all that share a quota fit into it, wherever the least of all does', () => {
    const pods = fc.record({
      minReplicas: fc.integer({ min: 1, max: 5 }),
      maxReplicas: fc.integer({ min: 5, max: 60 }),
      each: fc.integer({ min: 1, max: 3000 }),
      hasFewer: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(pods, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 100 }), (all, cores) => {
        const asked = all.map(({ each, ...one }, at): PodsAsked => ({
          ...one,
          by: `s${at}`,
          each: asks({ 'requests.cpu': { least: each, most: each } }),
        }));
        const size = (one: PodsAsked): number => one.each['requests.cpu'].most;
        const together = asked.map((one, at) => {
          const [judged] = judgeQuota(cpu(cores), [one], asked.toSpliced(at, 1));
          const max = judged?.replicas.get(one.by) ?? one.maxReplicas;
          expect(max).toBeGreaterThanOrEqual(one.minReplicas);
          return max * size(one);
        });
        const sum = (figures: readonly number[]): number => figures.reduce((a, b) => a + b, 0);
        const least = sum(asked.map((one) => size(one) * (one.hasFewer ? one.minReplicas : one.maxReplicas)));
        if (least <= cores * 1000) expect(sum(together)).toBeLessThanOrEqual(cores * 1000);
      }),
    );
  });
});
