import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeNginx } from '../../../../operator/levers/load-balancer/nginx-program.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-nginx-program-'));
});
afterAll(() => rm(folder, { recursive: true, maxRetries: 3 })); // probes of one that failed may still be written

const next = 'next: see that this program runs in the container, or name another one: --nginx /usr/sbin/nginx';

test.each([
  { name: 'that is not there', script: undefined, saw: ' -v that cannot be started (ENOENT)' },
  {
    name: 'that cannot start',
    script: 'echo "nginx: error while loading shared libraries: libssl.so.3" >&2; echo "(no such file)" >&2; exit 127',
    saw: ' -v end with code 127: nginx: error while loading shared libraries: libssl.so.3 (no such file)',
  },
  { name: 'that is killed', script: 'kill -9 $$', saw: ' -v end by SIGKILL: nothing' },
  { name: 'of something else', script: 'echo httpd', saw: ' -v that says httpd' },
  {
    name: 'that dies of any configuration',
    script: '[ "$1" = -v ] && echo "nginx version: nginx/1.22.1" >&2 || kill -9 $$',
    saw: ' -t end by SIGKILL: nothing',
  },
])('a program $name is told in one line, in its own words', async ({ name, script, saw }) => {
  const binary = join(folder, name.replaceAll(' ', '-'));
  if (script !== undefined) {
    await writeFile(binary, `#!/bin/sh\n${script}\n`);
    await chmod(binary, 0o755);
  }
  const asked = probeNginx({ binary, folder, modulesFolder: folder }, AbortSignal.timeout(10_000));
  await expect(asked).rejects.toMatchObject({
    name: 'Problem',
    message: `saw ${binary}${saw}; wanted nginx, which --nginx names; ${next}`,
  });
});

test.each([
  { words: 'nginx version: nginx/1.31.3', version: '1.31.3' },
  { words: 'nginx version: openresty/1.25.3.1', version: '1.25.3.1' },
  { words: 'Angie version: Angie/1.10.2', version: '1.10.2' },
])('one that says "$words" is asked what it can', async ({ words, version }) => {
  const binary = join(folder, version);
  await writeFile(binary, `#!/bin/sh\n[ "$1" = -v ] && echo "${words}" >&2\nexit 0\n`, { mode: 0o755 });
  const asked = probeNginx({ binary, folder, modulesFolder: folder }, AbortSignal.timeout(10_000));
  expect(await asked).toMatchObject({ binary, version });
});
