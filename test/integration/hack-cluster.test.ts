import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const checkout = resolve(import.meta.dirname, '../..');
const name = `status-${process.pid}`;
let folder: string;

/** A machine with kind, which writes down what it is asked and has the cluster of `GENOPS_TEST_CLUSTERS`. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-kind-'));
  const kind = `#!/bin/sh\necho "$*" >>'${folder}/asked'\n[ "$1 $2" != 'get clusters' ] || echo "$GENOPS_TEST_CLUSTERS"\n`;
  for (const [program, text] of Object.entries({
    kind,
    docker: '#!/bin/sh\n',
    kubectl: '#!/bin/sh\n',
    helm: '#!/bin/sh\n',
  })) {
    await writeFile(join(folder, program), text);
    await chmod(join(folder, program), 0o755);
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(join(checkout, '.cache', `cluster-${name}`), { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly complaint: string;
  readonly asked: readonly string[];
}

async function status(env: NodeJS.ProcessEnv): Promise<Ended> {
  await writeFile(join(folder, 'asked'), '');
  const { GENOPS_TEST_KUBECONFIG: _, GENOPS_CLUSTER_PROVIDER: __, GENOPS_KUBERNETES: ___, PATH, ...rest } = process.env;
  const around = { ...rest, PATH: `${folder}:${PATH}`, ...env };
  const args = [join(checkout, 'hack/cluster/main.ts'), 'status', '--name', name];
  const ended = await new Promise<Omit<Ended, 'asked'>>((done) => {
    const child = execFile(process.execPath, args, { env: around }, (_error, out, complaint) =>
      done({ code: child.exitCode ?? -1, out, complaint }),
    );
  });
  const asked = (await readFile(join(folder, 'asked'), 'utf8')).trimEnd().split('\n');
  return { ...ended, asked };
}

describe('hack/cluster/main.ts status', () => {
  test('says that there is no cluster, and makes none', async () => {
    const { code, complaint, asked } = await status({ GENOPS_TEST_CLUSTERS: 'kind' });
    expect({ code, complaint }).toEqual({
      code: 1,
      complaint: `cluster ${name} is not up; \`node_modules/.bin/node hack/cluster/main.ts up --name ${name}\` starts it\n`,
    });
    expect(asked).toEqual(['version', 'get clusters']);
  });

  test('finds the one that is up', async () => {
    const { code, out } = await status({ GENOPS_TEST_CLUSTERS: `kind\ngenops-${name}` });
    expect(code).toBe(0);
    expect(out).toContain(`kubeconfig  ${join(checkout, '.cache', `cluster-${name}`, 'kubeconfig')}`);
  });

  test('takes no word for a provider that it does not know', async () => {
    const { code, complaint } = await status({ GENOPS_CLUSTER_PROVIDER: 'locale' });
    expect({ code, complaint }).toEqual({
      code: 1,
      complaint: 'saw GENOPS_CLUSTER_PROVIDER=locale; wanted kind or local; next: correct it, or leave it out\n',
    });
  });

  test('has no older Kubernetes from kind, of which a release has one, and asks kind nothing for it', async () => {
    const { code, complaint, asked } = await status({ GENOPS_CLUSTER_PROVIDER: 'kind', GENOPS_KUBERNETES: '1.34' });
    expect([code, asked]).toEqual([1, ['']]);
    expect(complaint).toMatch(/^saw GENOPS_KUBERNETES=1\.34 and kind; wanted the local provider: .*; next: leave out/);
  });
});
