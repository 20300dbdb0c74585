import { describe, expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import { Problem } from '../../../operator/api/problem.ts';
import type { EventInput } from '../../../operator/kube/events.ts';
import type { LeverChange } from '../../../operator/levers/lever.ts';
import type { UnitResult } from '../../../operator/levers/run.ts';
import { reportPutBack, reportUnit, type UnitReportDeps } from '../../../operator/reconcilers/report-unit.ts';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';

const change = (cause: LeverChange['cause'], field: string, to: string): LeverChange => ({
  cause,
  differences: [{ field, from: '0', to }],
});
const drift = change('Drift', 'maxmemory', '1gb');
const declared = change('Declared', 'hz', '50');
const refused = { status: 'False', reason: 'ConfigRejected', message: 'saw "no" from cache' } as const;

const service = (...messages: readonly string[]): GenerationService =>
  ({
    metadata: { namespace: 'ai', name: 'generation' },
    status: { conditions: messages.map((message) => ({ type: 'RedisApplied', message })) },
  }) as unknown as GenerationService;

/** What people and Prometheus are told of a unit on which all of this was to be changed. */
async function told(
  of: GenerationService,
  result: Partial<UnitResult> & { readonly problem?: Problem },
  { report = reportUnit, ...ofLever }: { readonly report?: typeof reportUnit; readonly serverOf?: object } = {},
) {
  const notes: string[] = [];
  const lines: string[] = [];
  const metrics = createMetrics();
  const write = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const deps = {
    events: { record: ({ note }: EventInput) => void notes.push(note) },
    metrics,
    logger: { debug: write('debug'), info: write('info'), warn: write('warn') },
  } as unknown as UnitReportDeps;
  const lever = { name: 'redis', condition: 'RedisApplied', ...ofLever };
  const plan = { lever, unit: { name: 'cache' }, changes: [drift, declared], problem: result.problem };
  report(of, { plan, taken: [], condition: refused, ...result } as unknown as UnitResult, deps);
  const { values } = await metrics.drift.get();
  return { notes, lines, drifted: values.find(({ labels }) => labels.lever === 'redis')?.value };
}

describe('reportUnit()', () => {
  test('only what somebody changed is called drift', async () => {
    const { notes, drifted } = await told(service(), { outcome: 'applied', taken: [drift, declared] });
    expect(notes).toEqual([
      'redis cache: somebody changed what the policy declares, it was put back: maxmemory 0 → 1gb',
    ]);
    expect(drifted).toBe(1);
  });

  describe('settings of a server that are others now', () => {
    const server = { serverOf: () => [] };
    const changes = (count: number) =>
      Array.from({ length: count }, (_, index) => change('Declared', `p${index}`, '1'));
    test('are told by one Event, drift by another', async () => {
      const taken = [drift, declared, change('Restart', 'save', '1')];
      expect((await told(service(), { outcome: 'applied', taken }, server)).notes).toEqual([
        expect.stringContaining('somebody changed'),
        'redis cache: 1 set as the policy declares: hz 0 → 50',
      ]);
    });
    test('are named up to fifteen and counted beyond', async () => {
      const noteOf = async (count: number) =>
        (await told(service(), { outcome: 'applied', taken: changes(count) }, server)).notes[0];
      expect(await noteOf(15)).toMatch(/^redis cache: 15 set as .* p14 0 → 1$/);
      expect(await noteOf(16)).toMatch(/^redis cache: 16 set as .* p14 0 → 1 and 1 more$/);
    });
    test('are no news where nothing was taken', async () => {
      expect((await told(service(), { outcome: 'refused', taken: [] }, server)).notes).toEqual([]);
    });
    test('nor where it is an object of the service’s own', async () => {
      expect((await told(service(), { outcome: 'applied', taken: [declared] })).notes).toEqual([]);
    });
  });

  test.each(['refused', 'failed'] as const)('drift put back before another change was %s counts', async (outcome) => {
    const { notes, lines, drifted } = await told(service(), { outcome, taken: [drift] });
    expect({ notes: notes.length, drifted }).toEqual({ notes: 1, drifted: 1 });
    expect(lines).toEqual(['info: changed', 'info: change was not taken']);
  });

  test('no drift is counted where nothing was put back', async () => {
    expect(await told(service(), { outcome: 'refused' })).toMatchObject({ notes: [], drifted: 0 });
  });

  test.each(['refused', 'failed'] as const)(
    'a change that was %s for what status says already is no news',
    async (outcome) => {
      const known = service(`cache: ${refused.message}`);
      expect((await told(known, { outcome })).lines).toEqual(['debug: change was not taken']);
      expect((await told(service('another'), { outcome })).lines).toEqual(['info: change was not taken']);
    },
  );

  test('a problem with a cause is warned of once', async () => {
    const problem = new Problem('Failed', { saw: 'a', wanted: 'b', cause: new Error('c') });
    const condition = { ...refused, message: problem.message };
    const lines = async (of: GenerationService) => (await told(of, { outcome: 'nothing', problem, condition })).lines;
    expect(await lines(service())).toEqual([`warn: ${problem.message}`]);
    expect(await lines(service(problem.message))).toEqual([`debug: ${problem.message}`]);
  });

  describe('what a service that is deleted gives back', () => {
    const report = reportPutBack as typeof reportUnit;
    test.each(['Restore', 'Retain'] as const)(
      'is a line of the log and an Event, also of an object that is no server, with deletionPolicy %s',
      async (deletionPolicy) => {
        const of = { ...service(), spec: { ...service().spec, deletionPolicy } };
        expect(await told(of, { outcome: 'applied', taken: [declared] }, { report })).toMatchObject({
          lines: ['info: put back'],
          notes: ['redis cache: 1 put back, since the service is deleted: hz 0 → 50'],
        });
      },
    );
    test('is no news where nothing was taken', async () => {
      const nothing = { lines: [], notes: [] };
      expect(await told(service(), { outcome: 'failed', taken: [] }, { report })).toMatchObject(nothing);
    });
  });
});
