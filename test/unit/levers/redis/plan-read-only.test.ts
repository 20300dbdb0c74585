import { describe, expect, test } from '@jest/globals';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { planned, seen, unitWith } from './observations.ts';

describe('servers that are only looked at', () => {
  test('a user without CONFIG SET is told what differs and what to grant', () => {
    const result = planned({ access: 'Read' });
    expect(result.changes).toEqual([]);
    expect(result.condition).toMatchObject({ status: 'True', reason: 'ReportOnly' });
    expect(result.condition.message).toContain('maxmemory-policy noeviction instead of allkeys-lru');
    expect(result.condition.message).toContain('+config|set');
  });

  test('the server of another operator is not touched', () => {
    const clusterRef = { group: 'redis.redis.opstreelabs.in', kind: 'Redis', name: 'cache' };
    const result = planned({}, {}, { clusterRef });
    expect(result).toMatchObject({
      changes: [],
      condition: { reason: 'ReportOnly', message: expect.stringContaining('Redis cache') },
    });
    expect(result.remember).toBeUndefined();
  });

  test('without CONFIG the two settings that INFO tells are compared', () => {
    const observed = seen();
    const config = { access: 'None', saw: "ERR unknown command 'CONFIG'" } as const;
    const result = plan({
      unit: unitWith(),
      observed: { ...observed, server: { ...observed.server, config } },
      memory: undefined,
      now: 0,
    });
    expect(result).toMatchObject({ changes: [], condition: { status: 'False', reason: 'ConfigDisabled' } });
    expect(result.condition.message).toContain(
      'maxmemory 0 instead of 1073741824, maxmemory-policy noeviction instead of allkeys-lru',
    );
  });
});
