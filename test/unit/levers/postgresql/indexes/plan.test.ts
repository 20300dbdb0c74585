import { describe, expect, test } from '@jest/globals';
import type { IndexesChange } from '../../../../../operator/levers/postgresql/indexes/changes.ts';
import type { IndexesObserved } from '../../../../../operator/levers/postgresql/indexes/observe.ts';
import { plan } from '../../../../../operator/levers/postgresql/indexes/plan.ts';
import type { IndexesUnit } from '../../../../../operator/levers/postgresql/indexes/unit.ts';
import { build, byStatus, bySize, index, mark, old, seen, table, wanting } from './observations.ts';
import { rightsAndRoom, type Row } from './plan-rights-and-room.ts';

const now = Date.parse('2026-11-28T06:00:00Z');
const planned = (unit: IndexesUnit, observed: IndexesObserved) => plan({ unit, observed, memory: undefined, now });
const done = (changes: readonly IndexesChange[]): readonly string[] =>
  changes.map((change) => `${change.action} ${'wanted' in change ? change.wanted.name : change.name}`);

const both = wanting([byStatus, bySize]);
const one = wanting([byStatus]);
const failure = { message: 'no', isPassing: false, attempts: 1, againAt: now + 1 };

describe('plan()', () => {
  test.each<Row>([
    {
      name: 'the first of those that are missing is built, the other waits its turn',
      observed: seen(),
      unit: both,
      does: ['Build by_status'],
      states: ['Missing', 'Missing'],
      reason: 'IndexBuilding',
      says: /by_status of main: its build begins\. index by_size of main: waits for its turn/,
    },
    {
      name: 'nothing where all are there, under whatever name',
      observed: seen({ indexes: [index('theirs', 'status')] }),
      states: ['Valid'],
      reason: 'Applied',
      says: '1 of 1 indexes of main are there.',
    },
    {
      name: 'two that do one work are told',
      observed: seen({
        indexes: [index('by_status', 'status'), index('theirs', 'status', { isUnique: true }), index('third', 'size')],
      }),
      states: ['Valid'],
      reason: 'Applied',
      says: '1 of 1 indexes of main are there. by_status and theirs do the same work: one of them is enough.',
    },
    {
      name: 'a unique index also serves where none is asked for',
      observed: seen({ indexes: [index('theirs', 'status', { isUnique: true })] }),
      states: ['Valid'],
      reason: 'Applied',
    },
    {
      name: 'one that is not valid is dropped and built anew',
      observed: seen({ indexes: [index('by_status', 'status', { isValid: false })], taken: ['public.by_status'] }),
      does: ['Build by_status'],
      states: ['Invalid'],
      reason: 'IndexBuilding',
    },
    {
      name: 'an invalid one of another name is somebody else’s, and helps nobody',
      observed: seen({ indexes: [index('theirs', 'status', { isValid: false })] }),
      does: ['Build by_status'],
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
    {
      name: 'one that is being built is told with its phase, in steps of ten per cent',
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false, comment: mark })], taken: ['public.by_status'] },
        { builds: [build()] },
      ),
      states: ['Building building index: scanning table 40'],
      reason: 'IndexBuilding',
      says: 'index by_status of main: saw being built: building index: scanning table, 40 %; wanted it valid',
    },
    {
      name: 'one that our own session builds and nobody has marked is marked',
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false })], taken: ['public.by_status'] },
        { builds: [build()] },
      ),
      does: ['Mark by_status'],
      states: ['Building building index: scanning table 40'],
      reason: 'IndexBuilding',
    },
    {
      name: 'somebody else’s build of it is waited for',
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false })], taken: ['public.by_status'] },
        { builds: [build({ application: 'flyway', isOurRole: false })] },
      ),
      states: ['Building building index: scanning table 40'],
      reason: 'IndexBuilding',
    },
    {
      name: 'a build of which the server does not tell what it is may be this one',
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false })], taken: ['public.by_status'] },
        {
          builds: [
            build({ application: '', isOurRole: false, tableOid: null, schema: null, index: null, percent: null }),
          ],
        },
      ),
      states: ['Building building index: scanning table'],
      reason: 'IndexBuilding',
    },
    {
      name: 'one build at a time on a server, whichever database and service it is for',
      observed: seen(
        {},
        { builds: [build({ database: 'other', application: 'genops index v', index: null, schema: null })] },
      ),
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
    {
      name: 'an old snapshot anywhere in the database is waited for',
      observed: seen({ oldTransactions: [old()] }),
      states: ['Missing'],
      reason: 'IndexBuilding',
      says: /saw a transaction \(pid 9\) of role app \(batch, active, since 2026-11-28T05:00Z\)/,
    },
    {
      name: 'an old writer of another table is not',
      observed: seen({ oldTransactions: [old({ hasSnapshot: false, tableOids: ['1'] })] }),
      does: ['Build by_status'],
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
    {
      name: 'a build that waits in vain is ended: autovacuum waits for it',
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false, comment: mark })] },
        { builds: [build({ waitsSeconds: 1800 })] },
      ),
      does: ['Drop by_status'],
      states: ['Building building index: scanning table 40'],
      reason: 'IndexBuilding',
    },
    {
      name: 'one that does not yet is not',
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false, comment: mark })] },
        { builds: [build({ waitsSeconds: 1799 })] },
      ),
      states: ['Building building index: scanning table 40'],
      reason: 'IndexBuilding',
    },
    {
      name: 'what is no longer declared while it is being built is ended',
      unit: wanting([bySize]),
      observed: seen(
        { indexes: [index('by_status', 'status', { isValid: false, comment: mark })] },
        { builds: [build()] },
      ),
      does: ['Drop by_status'],
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
    {
      name: 'another service’s build is not',
      unit: wanting([bySize]),
      observed: seen({}, { builds: [build({ application: 'genops index v' })] }),
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
    {
      name: 'a table that is not there',
      observed: seen({ tables: [] }),
      states: ['NotApplicable'],
      reason: 'Applied',
      says: '0 of 1 indexes of main are there. Not applicable: no table public.workflows in database shop.',
    },
    {
      name: 'a table that is waited for',
      unit: wanting([byStatus], { onMissingTable: 'Wait' }),
      observed: seen({ tables: [] }),
      states: ['Failed'],
      reason: 'TableMissing',
    },
    {
      name: 'an index of the defaults on a table of a role that we may not become',
      unit: wanting([byStatus], {}, { byDefault: ['by_status'] }),
      observed: seen({ tables: [table({ mayOwn: false })] }),
      states: ['NotApplicable'],
      reason: 'Applied',
      says: '0 of 1 indexes of main are there. Not applicable: index by_status of the defaults (saw table public.workflows of app, which genops may not become; if you want it: GRANT app TO genops WITH INHERIT FALSE, SET TRUE; if not: mode: "Off" in postgres.indexes).',
    },
    {
      name: 'an index of the defaults whose column the table does not have',
      unit: wanting([byStatus], {}, { byDefault: ['by_status'] }),
      observed: seen({
        forms: { by_status: { kind: 'refused', message: 'column "status" does not exist', isForbidden: false } },
      }),
      states: ['NotApplicable'],
      reason: 'Applied',
      says: /column "status" does not exist/,
    },
    {
      name: 'an index of the defaults whose name something else has',
      unit: wanting([byStatus], {}, { byDefault: ['by_status'] }),
      observed: seen({ taken: ['public.by_status'] }),
      states: ['NotApplicable'],
      reason: 'Applied',
      says: /something else called public\.by_status/,
    },
    {
      name: 'an index of the defaults whose build failed: that is not for want of anything',
      unit: wanting([byStatus], {}, { byDefault: ['by_status'] }),
      observed: seen({}, { failures: { 'shop.public.by_status': failure } }),
      states: ['Failed'],
      reason: 'Failed',
    },
    { name: 'a standby', observed: seen({}, { isStandby: true }), states: ['NotApplicable'], reason: 'Applied' },
    {
      name: 'a view',
      observed: seen({ tables: [table({ kind: 'View' })], forms: {} }),
      states: ['Failed'],
      reason: 'ConfigRejected',
      says: /public\.workflows, which is a view/,
    },
    {
      name: 'a partitioned table that has it',
      observed: seen({ tables: [table({ kind: 'Partitioned' })], indexes: [index('p', 'status')] }),
      states: ['Valid'],
      reason: 'Applied',
    },
    {
      name: 'something else that has the name',
      observed: seen({ indexes: [index('by_status', 'size')], taken: ['public.by_status'] }),
      states: ['Failed'],
      reason: 'IndexDiffers',
    },
    ...rightsAndRoom,
    {
      name: 'a build that failed rests',
      observed: seen({}, { failures: { 'shop.public.by_status': failure } }),
      states: ['Failed'],
      reason: 'Failed',
      says: /saw "no" from the build of btree \(status\) of public\.workflows; .* tried again at 2026-11-28T06:00:00\.001Z$/,
    },
    {
      name: 'and then begins again',
      observed: seen({}, { failures: { 'shop.public.by_status': { ...failure, againAt: now } } }),
      does: ['Build by_status'],
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
    {
      name: 'what passes is tried again, and said until it has passed',
      observed: seen({}, { failures: { 'shop.public.by_status': { ...failure, isPassing: true, againAt: now } } }),
      does: ['Build by_status'],
      states: ['Missing'],
      reason: 'IndexBuilding',
      says: 'saw no; wanted to build it; next: nothing: it is tried again',
    },
    {
      name: 'an index whose own mode is DryRun',
      unit: wanting([{ ...byStatus, mode: 'DryRun' }]),
      observed: seen(),
      states: ['Missing'],
      reason: 'Applied',
      says: /Would be built, but for its mode: btree \(status\) of public\.workflows\./,
    },
    {
      name: 'what we have built and nobody declares stays by itself',
      observed: seen({ indexes: [index('by_status', 'status'), index('gone', 'size', { comment: mark })] }),
      states: ['Valid'],
      reason: 'Applied',
    },
    {
      name: 'and goes where the policy says so',
      unit: wanting([byStatus], { pruneIndexes: 'Owned' }),
      observed: seen({
        indexes: [index('by_status', 'status'), index('gone', 'size', { comment: mark }), index('theirs', 'size')],
      }),
      does: ['Drop gone'],
      states: ['Valid'],
      reason: 'Applied',
    },
    {
      name: 'but not before what takes its place is there',
      unit: wanting([byStatus], { pruneIndexes: 'Owned' }),
      observed: seen({ indexes: [index('gone', 'size', { comment: mark })] }),
      does: ['Build by_status'],
      states: ['Missing'],
      reason: 'IndexBuilding',
    },
  ])('$name', ({ unit = one, observed, does = [], states, reason, says = '' }) => {
    const { changes, condition, status } = planned(unit, observed);
    expect(done(changes)).toEqual(does);
    const entries = status['indexes'] as readonly { state: string; phase?: string; percent?: number }[];
    expect(
      entries.map(({ state, phase, percent }) =>
        [state, phase, percent].filter((word) => word !== undefined).join(' '),
      ),
    ).toEqual(states);
    expect(condition).toMatchObject({ reason, status: reason === 'Applied' ? 'True' : 'False' });
    if (typeof says === 'string') expect(condition.message).toContain(says);
    else expect(condition.message).toMatch(says);
  });

  test('a build that begins is told at once; one that something was in the way of, once a look shows it', () => {
    const after = (failures: IndexesObserved['failures']) => planned(one, seen({}, { failures })).statusAfter;
    expect(after({})).toEqual({ indexes: [{ name: 'by_status', state: 'Building' }] });
    const passing = { ...failure, isPassing: true, againAt: now };
    expect(after({ 'shop.public.by_status': passing })).toEqual({ indexes: [{ name: 'by_status', state: 'Missing' }] });
  });

  test('a change of the same declaration is held back in DryRun; the end of a build is not', () => {
    const observed = seen({ indexes: [index('gone', 'size', { comment: mark, isValid: false })] });
    expect(planned(one, observed).changes).toMatchObject([{ action: 'Drop', isWithdrawal: true }]);
    expect(planned(one, seen()).changes).not.toMatchObject([{ isWithdrawal: true }]);
  });

  test('what waits in vain is told from what is not wanted: the next try is put off', () => {
    const observed = seen({ indexes: [] }, { builds: [build({ waitsSeconds: 1800 })] });
    expect(planned(one, observed).changes).toMatchObject([{ action: 'Drop', pid: 77, inVain: 'LockWait' }]);
    expect(planned(wanting([bySize]), observed).changes).toMatchObject([{ action: 'Drop', pid: 77, inVain: null }]);
  });

  test('in DryRun and Paused no build of ours goes on', () => {
    const observed = seen({ indexes: [index('by_status', 'status', { isValid: false })] }, { builds: [build()] });
    const { changes } = planned(wanting([byStatus], {}, { mode: 'DryRun' }), observed);
    expect(changes).toContainEqual(expect.objectContaining({ action: 'Drop', pid: 77, isWithdrawal: true }));
  });
});
