import { describe, expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { JudgedObjective } from '../../../operator/decide/objectives.ts';
import { createStandings } from '../../../operator/metrics/standings.ts';
import { keepAllRollUps, keepRollUps } from '../../../operator/reconcilers/kept-roll-ups.ts';
import type { ServiceState } from '../../../operator/reconcilers/state.ts';
import { createLogger } from '../../../operator/telemetry/logger.ts';

const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;
const never = new AbortController().signal;
const serviceOf = (name: string, changes: Partial<GenerationService['metadata']> = {}): GenerationService => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: {
    namespace: 'ai',
    name,
    uid: name,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '',
    ...changes,
  },
  spec: { mode: 'Enforce', deletionPolicy: 'Retain', components: [] },
});

/** Services that were looked at once; what is written goes into a list. */
function looked(services: readonly GenerationService[], judged: JudgedObjective['judged'] = 'Met') {
  let now = start;
  const written: (readonly [string, ServiceState])[] = [];
  const standings = createStandings();
  const look = (): void => {
    for (const service of services)
      standings.note(service, {
        looked: [{ name: 'Memory', judged, goal: 1, observation: undefined }],
        insideSince: {},
        attainmentWindowMs: 24 * hour,
        intervalMs: 10_000,
        now,
        saved: () => undefined,
      });
  };
  look();
  const state: ServiceState = { version: 1, levers: { 'redis/cache': { originals: { maxmemory: '0' } } } };
  const deps = {
    standings,
    clock: { now: () => now },
    logger: createLogger({ level: 'error', format: 'text' }),
    states: {
      write: (service: GenerationService, change: (state: ServiceState) => ServiceState) =>
        service.metadata.name === 'conflict'
          ? Promise.reject(new Error('somebody else has written'))
          : Promise.resolve(void written.push([service.metadata.name, change(state)])),
    },
  };
  return { deps, written, state, look, pass: (ms: number) => void (now += ms) };
}

describe('keepRollUps()', () => {
  test('an hour after the first look, beside what else stands in the state; then not before the next hour', async () => {
    const service = serviceOf('generation');
    const { deps, written, state, look, pass } = looked([service]);
    await keepRollUps(service, deps, never);
    pass(hour - 1);
    await keepRollUps(service, deps, never);
    expect(written).toEqual([]);
    pass(0.2 * hour + 1);
    await keepRollUps(service, deps, never);
    expect(written).toEqual([
      ['generation', { ...state, rollUps: expect.objectContaining({ hours: { Memory: '10' } }) }],
    ]);
    look();
    await keepRollUps(service, deps, never);
    expect(written).toHaveLength(1);
  });

  test('never where nothing was judged', async () => {
    const service = serviceOf('generation');
    const { deps, written, pass } = looked([service], 'Unknown');
    pass(10 * hour);
    await keepRollUps(service, deps, never, 'atOnce');
    expect(written).toEqual([]);
  });
});

describe('keepAllRollUps()', () => {
  test('keeps those of all services but of what is being deleted, once; one that fails holds up no other', async () => {
    const services = [
      serviceOf('conflict'),
      ...Array.from({ length: 40 }, (_, n) => serviceOf(`s${n}`)),
      serviceOf('going', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    ];
    const { deps, written } = looked(services);
    await keepAllRollUps(services, deps);
    expect(written.map(([name]) => name).toSorted()).toEqual(Array.from({ length: 40 }, (_, n) => `s${n}`).toSorted());
    await keepAllRollUps(services, deps);
    expect(written).toHaveLength(40);
  });

  test('begins with those that were kept longest ago', async () => {
    const services = Array.from({ length: 40 }, (_, n) => serviceOf(`s${n}`));
    const { deps, written, look, pass } = looked(services);
    const early = services.filter((_, n) => n % 2 === 0);
    pass(10 * 60_000);
    for (const service of early) await keepRollUps(service, deps, never, 'atOnce');
    pass(10 * 60_000);
    for (const service of services) if (!early.includes(service)) await keepRollUps(service, deps, never, 'atOnce');
    look();
    written.length = 0;
    await keepAllRollUps(services, deps);
    const order = written.map(([name]) => name);
    expect(order.toSorted()).toEqual(services.map(({ metadata }) => metadata.name).toSorted());
    expect(
      order.slice(0, 15).filter((name) => early.some(({ metadata }) => metadata.name === name)).length,
    ).toBeGreaterThan(10);
  });
});
