import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { JudgedObjective } from '../../../operator/decide/objectives.ts';
import { objectiveSamples } from '../../../operator/metrics/objective-samples.ts';
import { createStandings } from '../../../operator/metrics/standings.ts';
import { createObjectiveGauges } from '../../../operator/telemetry/objective-gauges.ts';
import { sampleLines } from '../../world/metrics-page.ts';

const now = Date.UTC(2026, 0, 1);
const metadata = { namespace: 'ai', name: 'generation', uid: 'u' };

test('says value, target, age, attainment and burn of what is known, and nothing of what is not', async () => {
  const standings = createStandings();
  const looked: readonly JudgedObjective[] = [
    { name: 'WorkflowDuration', judged: 'NotMet', goal: 30, observation: { value: 42, observedAt: now - 4_000 } },
    { name: 'SuccessRatio', judged: 'Met', goal: 0.95, observation: { value: 0.99, observedAt: now - 4_000 } },
    { name: 'CacheHitRatio', judged: 'Unknown', goal: 0.7, observation: undefined },
  ];
  const look = { looked, insideSince: {}, attainmentWindowMs: 86_400_000, intervalMs: 3_000, now };
  standings.note({ metadata }, { ...look, saved: () => undefined });
  const registry = new Registry();
  createObjectiveGauges(registry, () => objectiveSamples(standings, now));
  const of = async (): Promise<readonly string[]> => sampleLines(await registry.metrics());
  const duration = 'namespace="ai",name="generation",objective="WorkflowDuration"';
  const success = 'namespace="ai",name="generation",objective="SuccessRatio"';
  expect((await of()).slice(0, 8)).toEqual([
    `genops_objective_value{${duration}} 42`,
    `genops_objective_value{${success}} 0.99`,
    `genops_objective_target{${duration}} 30`,
    `genops_objective_target{${success}} 0.95`,
    `genops_objective_attainment_ratio{${duration}} 0`,
    `genops_objective_attainment_ratio{${success}} 1`,
    `genops_metric_age_seconds{${duration}} 4`,
    `genops_metric_age_seconds{${success}} 4`,
  ]);
  // of what was not missed there is none
  const burn = (await of()).slice(8).map((line) => [/window="(\w+)"/.exec(line)?.[1], Number(line.split(' ')[1])]);
  // three seconds, of a budget of 1 % of each window
  expect(burn.map(([window, rate]) => [window, Number(Number(rate).toPrecision(6))])).toEqual([
    ['5m', 1],
    ['30m', 0.166667],
    ['1h', 0.0833333],
    ['6h', 0.0138889],
    ['3d', 0.00115741],
  ]);
  standings.clear(); // the lease is lost: another one says it now
  expect(await of()).toEqual([]);
});
