import { describe, expect, test } from '@jest/globals';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import { restore } from '../../../../operator/levers/postgresql/restore.ts';
import { seen, unitWith, type Seen } from './observations.ts';

describe('restore()', () => {
  const restored = (memory: UnitMemory | undefined, server: Seen = {}) =>
    restore({ unit: unitWith(), observed: seen(server), memory, now: 0 }).changes.flatMap(({ writes }) => writes);
  const ours = { value: '16384', source: 'configuration file', inAutoConf: '16MB' };
  const memory = { originals: { work_mem: '8MB' }, applied: { work_mem: '16MB' } };

  test.each<readonly [string, UnitMemory | undefined, Seen, readonly object[]]>([
    ['nothing where nothing is remembered', undefined, {}, []],
    ['the old value', memory, { settings: { work_mem: ours } }, [{ name: 'work_mem', to: '8MB', before: '16MB' }]],
    [
      'takes out what was not there',
      { ...memory, originals: { work_mem: null } },
      { settings: { work_mem: ours } },
      [{ name: 'work_mem', to: null, before: '16MB' }],
    ],
    [
      'nothing that somebody has changed since',
      memory,
      { settings: { work_mem: { ...ours, inAutoConf: '32MB' } } },
      [],
    ],
    ['nothing that somebody has taken out since', memory, { settings: { work_mem: { inAutoConf: null } } }, []],
    [
      'the old value of the database',
      { originals: { 'work_mem of database shop': '8MB' }, applied: { 'work_mem of database shop': '16MB' } },
      { overlays: [{ name: 'work_mem', value: '16384', role: null, database: 'shop' }] },
      [{ name: 'work_mem', database: 'shop', to: '8MB', before: '16MB' }],
    ],
    [
      'nothing of a database that somebody has changed since',
      { originals: { 'work_mem of database shop': null }, applied: { 'work_mem of database shop': '16MB' } },
      { overlays: [{ name: 'work_mem', value: '32MB', role: null, database: 'shop' }] },
      [],
    ],
    ['nothing on another server', { ...memory, serverRun: '6' }, { settings: { work_mem: ours } }, []],
  ])('%s', (_, remembered, server, expected) => {
    expect(restored(remembered, server)).toEqual(expected);
  });
});
