import { describe, expect, test } from '@jest/globals';
import type { Copies } from '../../../../operator/levers/postgresql/copies.ts';
import { planned, written, type Given, type Seen } from './observations.ts';

type Copy = Copies['others'][number];
const copy = (maxConnections: number, more: Partial<Copy> = {}): Copy => ({
  isStandby: true,
  standbys: 0,
  isFollowing: true,
  startedAt: 1000,
  replayedAt: null,
  figures: { max_connections: maxConnections, max_worker_processes: 8 },
  ...more,
});
const primaryWith = (maxConnections: number): Copy => copy(maxConnections, { isStandby: false, isFollowing: false });

type Row = Omit<Given, 'parameters'> & { readonly name: string; readonly says?: RegExp };

describe('a server with 100 connections that is to have 200', () => {
  const followed = (standbys: number, others?: readonly Copy[]): Seen => ({
    standbys,
    ...(others && { copies: { own: undefined, others } }),
  });
  test.each<Row>([
    { name: 'gets them where nobody follows it', server: followed(0) },
    { name: 'gets them where its standby has as many', server: followed(1, [copy(200)]) },
    { name: 'gets them where it is a standby, whatever follows it', server: { isStandby: true, standbys: 2 } },
    {
      name: 'does not while a standby has one less',
      server: followed(2, [copy(200), copy(199)]),
      says: /a primary with 2 standbys, one of which has 199; .* else it stops; next: name both in spec\.postgres; raise/,
    },
    { name: 'does not while nobody knows its standby', server: followed(1), says: /1 standby, .* names 0;/ },
    {
      name: 'does not while one more follows it than the service names',
      server: followed(2, [copy(200)]),
      says: /2 standbys, of which spec\.postgres names 1;/,
    },
    {
      name: 'does not while a standby of its standby is not named',
      server: followed(1, [copy(200, { standbys: 1 })]),
      says: /2 standbys, of which spec\.postgres names 1;/,
    },
    {
      name: 'does not count one that follows nobody just now for one that does',
      server: followed(1, [copy(200, { isFollowing: false })]),
      says: /1 standby, .* names 0;/,
    },
    {
      name: 'does not while one that follows nobody just now has too few',
      server: followed(1, [copy(200), copy(100, { isFollowing: false })]),
      says: /one of which has 100/,
    },
    {
      name: 'does not while its only standby is being started, and has too few',
      server: followed(0, [copy(100, { isFollowing: false })]),
      says: /1 standby, one of which has 100/,
    },
  ])('$name', ({ name: _, says, ...given }) => {
    const plan = planned({ ...given, parameters: { max_connections: '200' } });
    expect(written(plan)).toEqual(says === undefined ? ['Declared max_connections null > 200'] : []);
    expect(plan.condition.reason).toBe(says === undefined ? 'PendingRestart' : 'OutOfBounds');
    expect(plan.condition.message).toMatch(says ?? /waits for a restart/);
  });
});

describe('a standby with 100 connections that is to have 50', () => {
  const following = (primary: Copy | undefined, replayedAt: number | null = 1001): Seen => ({
    isStandby: true,
    copies: { own: copy(100, { replayedAt }), others: primary === undefined ? [copy(50)] : [primary] },
  });
  test.each<Row>([
    { name: 'gets them once its primary has no more', server: following(primaryWith(50)) },
    { name: 'does not before', server: following(primaryWith(51)), says: /on a standby whose primary has 51;/ },
    {
      name: 'does not while nobody knows its primary',
      server: following(undefined),
      says: /a standby whose primary spec\.postgres does not name/,
    },
    {
      name: 'does not before it has replayed that its primary has fewer',
      server: following(primaryWith(50), 1000),
      says: /has replayed nothing yet of what its primary wrote since it was started/,
    },
    { name: 'nor where it has replayed nothing', server: following(primaryWith(50), null), says: /replayed nothing/ },
  ])('$name', ({ name: _, says, ...given }) => {
    const plan = planned({ ...given, parameters: { max_connections: '50' } });
    expect(written(plan)).toEqual(says === undefined ? ['Declared max_connections null > 50'] : []);
    expect(plan.condition.message).toMatch(says ?? /waits for a restart/);
  });
});

describe('the write-ahead log on a volume of 8 GiB', () => {
  const unit = { volumeSize: '8Gi' };
  const owner = (hasLog: boolean) => ({
    label: 'Cluster pg',
    uid: 'u',
    parameters: {},
    ours: [],
    others: {},
    volume: { bytes: 4 * 2 ** 30, hasLog },
  });
  test.each<Row & { readonly parameters: Readonly<Record<string, string>> }>([
    { name: 'may be bound to a quarter of it', unit, parameters: { max_wal_size: '2GB' } },
    {
      name: 'and to no more',
      unit,
      parameters: { max_wal_size: '2049MB' },
      says: /max_wal_size = 2049MB on a volume of 8192MB; wanted at most 2048MB, a quarter of it: .*volumeSize/,
    },
    { name: 'nor may more be kept', unit, parameters: { min_wal_size: '3GB' }, says: /min_wal_size = 3GB on a volume/ },
    { name: 'may be any where nobody says how large it is', parameters: { max_wal_size: '64GB' } },
    {
      name: 'is bounded by what the object of its operator says of the volume',
      unit,
      server: { owner: owner(true) },
      parameters: { max_wal_size: '2GB' },
      says: /on a volume of 4096MB/,
    },
    {
      name: 'may be any on a volume of its own',
      unit,
      server: { owner: owner(false) },
      parameters: { max_wal_size: '9GB' },
    },
  ])('$name', ({ name: _, says, ...given }) => {
    const { changes, condition } = planned(given);
    expect(changes).toHaveLength(says === undefined ? 1 : 0);
    expect(condition.message).toMatch(says ?? /./);
  });
});

describe('what one session may take of a server whose memory nobody knows', () => {
  test.each<Row & { readonly parameters: Readonly<Record<string, string>> }>([
    { name: 'is a quarter of 4 GiB', parameters: { work_mem: '1GB' } },
    {
      name: 'and no more',
      parameters: { work_mem: '1025MB' },
      says: /work_mem = 1025MB on a server of unknown size; wanted at most 1024MB, 25 % of 4 GiB: each session may take it; next: say in postgres\.sizing\.memory/,
    },
    { name: 'half of it where it cares for a table', parameters: { maintenance_work_mem: '2GB' } },
    { name: 'and no more of that', parameters: { maintenance_work_mem: '3GB' }, says: /at most 2048MB, 50 %/ },
  ])('$name', ({ name: _, says, ...given }) => {
    const { changes, condition } = planned(given);
    expect(changes).toHaveLength(says === undefined ? 1 : 0);
    expect(condition.message).toMatch(says ?? /./);
  });
});
