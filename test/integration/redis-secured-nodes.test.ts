import { describe, expect, test } from '@jest/globals';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { availableRedisVersions, type RedisVersion } from '../../hack/servers/redis-binary.ts';
import { startCluster, startReplication, startSentinelWorld, type Node } from './redis-topologies.ts';
import { password, tuner } from './redis-tuner.ts';

const versions = await availableRedisVersions();
const sentinelMasterName = 'mymaster';

/** The lines of docs/levers/redis.md. */
const keyPattern = (version: RedisVersion) => (version === '6.2' ? '~*' : '%R~* resetchannels');
const later = {
  '6.2': '',
  '7.0': ' +cluster|shards',
  '8.2': ' +cluster|shards +client|setinfo',
  'valkey-9.1': ' +cluster|shards +client|setinfo',
} as const satisfies Record<RedisVersion, string>;
const tuning = (version: RedisVersion) =>
  `${keyPattern(version)} -@all +ping +info +config|get +config|set +slowlog|get +memory|usage +object|idletime +object|freq +pttl +scan +client|setname +cluster|slots${later[version]}`;
const looking = (version: RedisVersion) =>
  `-@all +ping +info +config|get +slowlog|get +client|setname ${version === '6.2' ? '+cluster|slots' : '+cluster|shards'}`;
const users = (grants: string) => `user default on nopass ~* &* +@all\nuser genops reset on >${password} ${grants}\n`;
const asGenops = ({ port }: { readonly port: number }) => ({ uri: `redis://genops:${password}@127.0.0.1:${port}` });

describe.each(versions)('a cluster of Redis %s', (version) => {
  test('is tuned by a user that may do no more than the documentation grants', async () => {
    await using cluster = await startCluster({ version, aclFile: users(tuning(version)) });
    const nodes = [...cluster.primaries, ...cluster.replicas];
    const { visit, restore } = tuner({ secret: asGenops(nodes[0] as Node) });
    expect(await visit()).toMatchObject({ outcome: 'applied', reason: 'Applied', entry: { nodes: 6 } });
    expect(await restore()).toMatchObject({ outcome: 'applied' });
    for (const node of nodes) expect(await node.command('ACL', 'LOG')).toEqual([]); // nothing was asked for that is not granted
  });

  test('is only reported to a user that may not set', async () => {
    await using cluster = await startCluster({ version, aclFile: users(looking(version)) });
    const visited = await tuner({ secret: asGenops(cluster.primaries[1] as Node) }).visit();
    expect(visited).toMatchObject({ outcome: 'nothing', status: 'True', reason: 'ReportOnly', entry: { nodes: 6 } });
    expect(visited.message).toMatch(/^all 6 nodes: saw .*maxmemory-policy noeviction instead of allkeys-lru/);
    for (const node of [...cluster.primaries, ...cluster.replicas])
      expect(await node.configGet('maxmemory-policy')).toBe('noeviction');
  });
});

test('a cluster over TLS whose nodes announce their names is reached by these names, each with its certificate', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'genops-tls-'));
  const { tls, keys: secret } = await certificatesIn(folder.path);
  const config = { 'cluster-announce-hostname': 'localhost', 'cluster-preferred-endpoint-type': 'hostname' };
  await using cluster = await startCluster({ tls, config });
  const nodes = [...cluster.primaries, ...cluster.replicas];
  const visited = await tuner({ secret: { uri: `rediss://localhost:${nodes[0]?.tlsPort}`, ...secret } }).visit();
  expect(visited).toMatchObject({ outcome: 'applied', reason: 'Applied', entry: { topology: 'Cluster', nodes: 6 } });
  expect(new Set(visited.nodes)).toEqual(new Set(nodes.map(({ tlsPort }) => `localhost:${tlsPort}`)));
});

test('a cluster whose nodes may not be listed is said with the grant that is missing', async () => {
  await using cluster = await startCluster({ aclFile: users('-@all +ping +info +config|get +client|setname') });
  const visited = await tuner({ secret: asGenops(cluster.primaries[0] as Node) }).visit();
  expect(visited).toMatchObject({ status: 'False', reason: 'PermissionDenied' });
  expect(visited.message).toContain('cluster|shards');
});

test('the nodes of another operator are only reported', async () => {
  await using stack = new AsyncDisposableStack();
  const { primary, replicas } = await startReplication(stack);
  const clusterRef = { group: 'redis.redis.opstreelabs.in', kind: 'RedisReplication', name: 'cache' };
  const visited = await tuner({ secret: { uri: `redis://127.0.0.1:${primary.port}` }, clusterRef }).visit();
  expect(visited).toMatchObject({ outcome: 'nothing', status: 'True', reason: 'ReportOnly', entry: { nodes: 3 } });
  expect(visited.message).toContain('set it in RedisReplication cache');
  for (const node of [primary, ...replicas]) expect(await node.configGet('maxmemory-policy')).toBe('noeviction');
});

describe('behind Sentinel', () => {
  test('the servers’ user is nothing for a Sentinel that asks for none', async () => {
    await using world = await startSentinelWorld({ aclFile: users(tuning('7.0')) });
    const [sentinel] = world.sentinels as readonly [Node];
    const visited = await tuner({ secret: asGenops(sentinel), sentinelMasterName }).visit();
    expect(visited).toMatchObject({ outcome: 'applied', reason: 'Applied', entry: { nodes: 3 } });
    for (const one of [...world.sentinels, world.primary, ...world.replicas])
      expect(await one.command('ACL', 'LOG')).toEqual([]); // a Sentinel that was told of a user it does not know would note it
  });

  test('a Sentinel that wants a password gets that of the servers', async () => {
    await using world = await startSentinelWorld({
      config: { requirepass: password, masterauth: password },
      sentinel: { config: { requirepass: password }, lines: [`auth-pass mymaster ${password}`] },
    });
    const [sentinel] = world.sentinels as readonly [Node];
    const secret = { host: '127.0.0.1', port: String(sentinel.port), password };
    expect(await tuner({ secret, sentinelMasterName }).visit()).toMatchObject({
      outcome: 'applied',
      reason: 'Applied',
    });
    const wrong = await tuner({ secret: { ...secret, password: `${password}-not` }, sentinelMasterName }).visit();
    expect(wrong).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
  });

  test('a Sentinel with users of its own needs the user of the documentation, with no more grants', async () => {
    const grants = ['get-master-addr-by-name', 'master', 'masters', 'replicas', 'sentinels'];
    const user = `genops reset on >${password} -@all +ping +client|setname ${grants.map((one) => `+sentinel|${one}`).join(' ')}`;
    await using world = await startSentinelWorld({
      aclFile: users(tuning('7.0')),
      sentinel: { config: { requirepass: password, user: [user] } },
    });
    const [sentinel] = world.sentinels as readonly [Node];
    const secret = asGenops(sentinel);
    expect(await tuner({ secret, sentinelMasterName }).visit()).toMatchObject({
      outcome: 'applied',
      reason: 'Applied',
    });
    expect(await tuner({ secret, sentinelMasterName: 'other' }).visit()).toMatchObject({ reason: 'MasterUnknown' });
    for (const one of world.sentinels) expect(await one.command('ACL', 'LOG')).toEqual([]);
  });

  test('Sentinels and nodes speak TLS and want our certificate; nodes announced by IP show that of the name in the Secret', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'genops-tls-'));
    const { tls, keys } = await certificatesIn(folder.path);
    await using world = await startSentinelWorld({ tls });
    const [sentinel] = world.sentinels as readonly [Node];
    const secret = { uri: `rediss://localhost:${sentinel.tlsPort}`, ...keys };

    const visited = await tuner({ secret, sentinelMasterName }).visit();

    expect(visited).toMatchObject({ outcome: 'applied', reason: 'Applied', entry: { topology: 'Sentinel', nodes: 3 } });
    expect(new Set(visited.nodes)).toEqual(
      new Set([world.primary, ...world.replicas].map(({ tlsPort }) => `127.0.0.1:${tlsPort}`)),
    );
    const otherName = { ...secret, uri: `rediss://127.0.0.1:${sentinel.tlsPort}` };
    expect(await tuner({ secret: otherName, sentinelMasterName }).visit()).toMatchObject({
      status: 'False',
      reason: 'Unreachable',
      message: expect.stringContaining('certificate'),
    });
  });
});

/** Of a server called `localhost`, as files, and of a client, as keys of a Secret. */
async function certificatesIn(folder: string) {
  const authority = createAuthority('redis-ca');
  const theirs = issueCertificate({ commonName: 'redis', names: ['localhost'] }, authority);
  const ours = issueCertificate({ commonName: 'genops' }, authority);
  const tls = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(tls.ca, authority.certificate);
  await writeFile(tls.cert, theirs.certificate);
  await writeFile(tls.key, theirs.key, { mode: 0o600 });
  return { tls, keys: { 'ca.crt': authority.certificate, 'tls.crt': ours.certificate, 'tls.key': ours.key } };
}
