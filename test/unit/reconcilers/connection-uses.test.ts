import { describe, expect, test } from '@jest/globals';
import { createConnectionUses } from '../../../operator/reconcilers/connection-uses.ts';
import { storedService } from '../../world/builders.ts';

const serviceOf = (name: string, servers: readonly string[] = ['main']) =>
  storedService({
    metadata: { name },
    spec: { postgres: servers.map((server) => ({ name: server, secretRef: { name: server } })) },
  });
const opens = (connections: number) => ({ pods: [], poolerConnections: connections });
const [api, shop] = [serviceOf('api'), serviceOf('shop')];

describe('createConnectionUses()', () => {
  test('tells each of all others on its server, and of none elsewhere', () => {
    const uses = createConnectionUses();
    uses.note(api, [{ name: 'main', server: 'A', database: 'app', use: opens(20) }]);
    uses.note(shop, [
      { name: 'main', server: 'A', database: 'app', use: opens(40) },
      { name: 'archive', server: 'A', database: 'app', use: opens(5) },
      { name: 'other', server: 'B', database: 'app', use: opens(7) },
    ]);
    expect(uses.others('A', { service: api, name: 'main' })).toEqual([
      { by: 'ai/shop', database: 'app', use: opens(40) },
      { by: 'ai/shop', database: 'app', use: opens(5) },
    ]);
    expect(uses.others('A', { service: shop, name: 'main' })).toEqual([
      { by: 'ai/api', database: 'app', use: opens(20) },
      { by: 'spec.postgres[archive]', database: 'app', use: opens(5) },
    ]);
  });

  test('a service that moves or goes leaves its server', () => {
    const uses = createConnectionUses();
    uses.note(shop, [{ name: 'main', server: 'A', database: 'app', use: opens(40) }]);
    uses.note(shop, [{ name: 'main', server: 'B', database: 'app', use: opens(40) }]);
    expect(uses.others('A', { service: api, name: 'main' })).toEqual([]);
    uses.forget('ai/shop');
    expect(uses.others('B', { service: api, name: 'main' })).toEqual([]);
  });

  test('on a server that does not answer its Pods still count', () => {
    const uses = createConnectionUses();
    uses.note(shop, [{ name: 'main', server: 'A', database: 'app', use: opens(40) }]);
    uses.note(shop, [{ name: 'main', server: undefined, database: undefined, use: opens(60) }]);
    expect(uses.others('A', { service: api, name: 'main' })).toEqual([
      { by: 'ai/shop', database: 'app', use: opens(60) },
    ]);
  });

  test('is complete once every service with a PostgreSQL was looked at, and stays so', () => {
    const uses = createConnectionUses();
    const without = serviceOf('web', []);
    uses.note(api, []);
    expect(uses.isComplete([api, shop, without])).toBe(false);
    uses.note(shop, []);
    expect(uses.isComplete([api, shop, without])).toBe(true);
    expect(uses.isComplete([api, shop, serviceOf('new')])).toBe(true);
  });

  test('does not wait for a service that is being deleted: nobody looks at its servers any more', () => {
    const uses = createConnectionUses();
    uses.note(api, []);
    const leaving = { ...shop, metadata: { ...shop.metadata, deletionTimestamp: '2026-11-25T12:00:00Z' } };
    expect(uses.isComplete([api, leaving])).toBe(true);
  });
});
