import { describe, expect, test } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { autoConf, password, secretOf, startTuned, tuner } from './postgres-tuner.ts';

describe('who cannot get in', () => {
  const policy = { parameters: { work_mem: '16MB' } };

  test('allow_alter_system = off: somebody else owns the file', async () => {
    await using server = await startTuned({ version: '18', settings: { allow_alter_system: 'off' } });
    const { visit } = tuner({ secret: secretOf(server), policy });
    expect(await visit()).toMatchObject({ outcome: 'nothing', status: 'False', reason: 'AlterSystemOff' });
    await server.query('SELECT pg_reload_conf()');
    expect(await visit({ parameters: { work_mem: '4MB' } })).toMatchObject({ status: 'True', reason: 'Applied' });
  });

  test('a file that cannot be written tells the same, with what is there and what was to be', async () => {
    await using server = await startTuned({ version: '15' });
    const file = join(server.folder, 'data/postgresql.auto.conf');
    await chmod(file, 0o400); // as CloudNativePG has it before 17
    expect(await tuner({ secret: secretOf(server), policy }).visit()).toMatchObject({
      outcome: 'failed',
      status: 'False',
      reason: 'AlterSystemOff',
      message: expect.stringMatching(
        /^saw work_mem = 4MB on main, and "could not open file "postgresql\.auto\.conf.*; wanted work_mem = 16MB; next: set them where this server is managed/,
      ),
    });
    await chmod(file, 0o600);
    expect(await autoConf(server)).toBe('');
  });

  test('each door that stays shut has its reason', async () => {
    await using server = await startTuned({ version: '18' });
    await writeFile(
      join(server.folder, 'data/pg_hba.conf'),
      'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
    );
    await server.query('SELECT pg_reload_conf()');
    const right = { host: '127.0.0.1', port: String(server.port), username: 'genops', password, dbname: 'postgres' };
    const visited = (secret: Readonly<Record<string, string>> | undefined) => tuner({ secret, policy }).visit();

    expect(await visited(right)).toMatchObject({ reason: 'Applied' });
    expect(await visited({ ...right, password: 'wrong' })).toMatchObject({
      outcome: 'nothing',
      status: 'False',
      reason: 'AuthenticationFailed',
    });
    const { password: _, ...nameless } = right;
    expect(await visited(nameless)).toMatchObject({ reason: 'AuthenticationFailed' });
    expect(await visited({ ...right, dbname: 'nowhere' })).toMatchObject({ reason: 'SecretInvalid' });
    expect(await visited({ ...right, sslmode: 'require' })).toMatchObject({ reason: 'Unreachable' });
    expect(await visited({ ...right, port: '1' })).toMatchObject({
      reason: 'Unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await visited(undefined)).toMatchObject({ reason: 'SecretNotFound' });
    await server.query('ALTER ROLE genops CONNECTION LIMIT 0');
    expect(await visited(right)).toMatchObject({ reason: 'Busy' });
  });
});
