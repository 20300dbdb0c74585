import { describe, expect, test } from '@jest/globals';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { postgresAddress } from '../../operator/levers/postgresql/address.ts';
import { connectPostgres } from '../../operator/levers/postgresql/connect.ts';
import { secretData } from './lever-tuner.ts';
import { secretOf, startTuned, tuner } from './postgres-tuner.ts';

describe.each(postgresVersions)('a PostgreSQL %s that compiles every statement', (version) => {
  const settings = { jit: 'on', jit_above_cost: '0' };

  test('compiles none of ours, whatever the role has, and what it has itself is seen as before', async () => {
    await using server = await startTuned({ version, settings });
    await server.query('ALTER ROLE genops SET jit_expressions = on');
    const address = postgresAddress(secretData(secretOf(server)) ?? {}, { namespace: 'ai', name: 'postgres' });
    await using postgres = await connectPostgres(address, AbortSignal.timeout(10_000));
    const compiles = await postgres.query("SELECT current_setting('jit_expressions') AS ours");
    expect(compiles).toEqual([{ ours: 'off' }]); // nothing else can be asked: this build has no LLVM

    const { visit } = tuner({ secret: secretOf(server), policy: { parameters: { jit: 'on', work_mem: '4MB' } } });
    expect(await visit()).toMatchObject({ outcome: 'nothing', reason: 'Applied', fields: [] });
    expect(await visit({ parameters: { jit: 'off' } })).toMatchObject({ outcome: 'applied', fields: ['jit'] });
  });
});
