import { acceptReading, closeRow, createComponentWindow } from '../../operator/metrics/component-window.ts';
import { figuresOver } from '../../operator/metrics/component-figures.ts';
import type { Histogram } from '../../operator/metrics/histogram.ts';
import type { PodView } from '../../operator/metrics/pod-view.ts';
import { podView } from '../world/pod-view.ts';

/** What 1000 services of two Pods keep: 1000 rows of 19 figures each, and the observations of three histograms over 5 minutes. Run with --expose-gc. */
const services = 1_000;
const rows = 1_000;
const intervalMs = 10_000;
const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 10, 30, 60, Infinity];
const histogram: Histogram = { bounds, counts: new Float64Array(bounds.length).fill(3), sum: 4, count: 48 };
const histograms = { responseTime: histogram, cachedResponseTime: histogram, workflowDuration: histogram };
const figures = {
  requests: 1000,
  errors: 1,
  cpuSeconds: 3,
  memoryBytes: 1e9,
  inFlight: 3,
  queue: 1,
  activeConnections: 9,
  cacheHitsL1: 5,
  cacheHitsL2: 2,
  cacheMissesL1: 3,
  cacheMissesL2: 1,
};
const viewOf = (name: string): PodView =>
  podView(name, {
    containers: [{ name: 'app', cpuRequest: 0.5, cpuLimit: 1, memoryRequest: 1e9, memoryLimit: 2e9 }],
  });

function used(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

const before = used();
const start = performance.now();
const kept = Array.from({ length: services }, (_, service) => {
  const window = createComponentWindow({
    containerName: undefined,
    intervalMs,
    timeoutMs: 2_000,
    history: rows,
    windowMs: 300_000,
  });
  const pods = [viewOf(`s${service}-a`), viewOf(`s${service}-b`)];
  for (let row = 1; row <= rows; row++) {
    const observedAt = row * intervalMs;
    for (const { uid } of pods) acceptReading(window, uid, { observedAt, elapsedMs: intervalMs, figures, histograms });
    closeRow(window, pods, observedAt);
  }
  return { window, pods };
});
const perRow = (performance.now() - start) / (services * rows);
const memory = used() - before;
const readAt = performance.now();
for (const { window, pods } of kept) figuresOver(window, pods, 300_000, rows * intervalMs);
const perRead = (performance.now() - readAt) / services;
process.stdout.write(
  `${services} services x ${rows} rows: ${memory.toFixed(0)} MB; a row of two Pods ${(perRow * 1_000).toFixed(1)} us; figures over 5 min ${(perRead * 1_000).toFixed(0)} us\n`,
);
process.send?.({ megabytes: memory, rowUs: perRow * 1_000, figuresUs: perRead * 1_000 });
