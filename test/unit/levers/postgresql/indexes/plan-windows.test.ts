import { describe, expect, test } from '@jest/globals';
import { plan } from '../../../../../operator/levers/postgresql/indexes/plan.ts';
import { build, bySize, byStatus, index, mark, seen, wanting } from './observations.ts';

describe('builds and maintenance windows', () => {
  const night = { name: 'night', mode: 'On', schedule: '0 2 * * *', duration: '2h', timeZone: 'UTC' } as const;
  const atNight = { ...wanting([byStatus, bySize]), maintenanceWindows: [night] };
  const at = (time: string, observed = seen()) =>
    plan({ unit: atNight, observed, memory: undefined, now: Date.parse(`2026-11-28T${time}Z`) });

  test('nothing is built outside: what waits, and for when, is said and is no failure', () => {
    const { changes, condition, status } = at('06:00:00');
    expect(changes).toEqual([]);
    expect(status['indexes']).toMatchObject([{ state: 'Missing' }, { state: 'Missing' }]);
    expect(condition).toMatchObject({ status: 'True', reason: 'MaintenancePending' });
    expect(condition.message).toContain(
      'index by_status of main: saw no maintenance window open; wanted one to build it in; next: nothing: maintenance window night opens at 2026-11-29T02:00:00Z',
    );
  });

  test('the next visit comes with the window, where that is soon', () => {
    expect(at('01:59:50').againMs).toBe(12_000); // a tenth earlier it is open too
    expect(at('01:00:00').againMs).toBe(30_000);
  });

  test('inside it is built', () =>
    expect(at('02:00:00').changes).toMatchObject([{ action: 'Build', wanted: { name: 'by_status' } }]));

  test('a build goes on after it, and is not taken for one that waits', () => {
    const indexes = [index('by_status', 'status', { isValid: false, comment: mark })];
    const { changes, condition } = at('04:00:00', seen({ indexes }, { builds: [build()] }));
    expect(changes).toEqual([]);
    expect(condition).toMatchObject({ status: 'False', reason: 'IndexBuilding' });
  });

  test('a preview has what the window holds back', () => {
    expect(at('06:00:00').follows).toMatchObject([{ field: 'index by_status' }, { field: 'index by_size' }]);
  });
});
