import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { serveConsoleProxy } from '../../operator/cli/console-proxy.ts';
import { main } from '../../operator/cli/main.ts';
import { deployment } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { genops, openViewsOperator, operatorIn, start, type ViewsOperator } from './views-operator.ts';

let operator: ViewsOperator;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  operator = await openViewsOperator();
}, 900_000);
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  await operator[Symbol.asyncDispose]();
});

const kubectl: ViewsOperator['kubectl'] = (args, input) => operator.kubectl(args, input);
const kubeconfig = (): string => operator.plane.kubeconfigPath;
const generation = (): readonly string[] => ['generation', '-n', 'ai', '--kubeconfig', kubeconfig()];

/** @returns The address that it prints. */
async function openConsole(args: readonly string[]): Promise<URL> {
  let said = '';
  stops.push(await start(['console', ...args], (text) => (said += text)));
  return eventually(() => new URL(said.trim()));
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly location: string | undefined;
}

/** As a user with a certificate starts it. */
const openAs = (account: string) =>
  openConsole(['--kubeconfig', kubeconfig(), '-n', 'ai', '--service-account', account]);

/** As a browser asks, or as somebody does who says another name. */
function get(url: URL, path: string, { host = url.host, method = 'GET' } = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  request({ host: '127.0.0.1', port: url.port, path, method, headers: { host } }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    const { location } = response.headers;
    response.on('end', () => resolve({ status: response.statusCode, body, location }));
  })
    .on('error', reject)
    .end();
  return promise;
}

/** A kubeconfig with the token of a ServiceAccount in it, as that of a cluster in the cloud has the user's. */
async function kubeconfigOf(account: string): Promise<string> {
  const token = (await kubectl(['create', 'token', account, '-n', 'ai'])).trim();
  const { clusters } = JSON.parse(await kubectl(['config', 'view', '--raw', '-o', 'json'])) as KubeconfigParts;
  const [cluster] = clusters;
  const context = { name: 'it', context: { cluster: cluster?.name, user: 'it' } };
  const path = join(operator.folder, `${account}.kubeconfig`);
  const users = [{ name: 'it', user: { token } }];
  const parts = { apiVersion: 'v1', kind: 'Config', clusters, users, contexts: [context], 'current-context': 'it' };
  await writeFile(path, stringify(parts));
  return path;
}
interface KubeconfigParts {
  readonly clusters: readonly { readonly name: string }[];
}

describe('genops console', () => {
  test('asks with the token of the kubeconfig where that is wanted; the Role of docs/console.md is enough to go through the API server', async () => {
    const [, role = ''] = /```yaml\n([^`]+)```/.exec(await readFile('docs/console.md', 'utf8')) ?? [];
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'console', namespace: operatorIn },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'genops-console' },
      subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'ai' }],
    };
    const url = await openConsole(['--kubeconfig', await kubeconfigOf('viewer'), '-n', 'ai', '--own-token']);
    const fleet = `${url.pathname}generationservices?namespace=ai`;
    expect(await get(url, fleet)).toMatchObject({
      status: 403,
      body: expect.stringContaining('cannot get resource \\"services/proxy\\"'),
    });
    await kubectl(['apply', '-f', '-'], `${role}---\n${stringify(binding)}`);
    await eventually(async () => expect(await get(url, fleet)).toMatchObject({ status: 200 }));
  });

  test('shows the pages, and what the operator answers to the ServiceAccount', async () => {
    const url = await openAs('viewer');
    expect(url.hash).toBe('#/ai');
    expect((await get(url, url.pathname)).body).toContain('<!doctype html>');
    const fleet = await eventually(async () => {
      const answer = await get(url, `${url.pathname}generationservices?namespace=ai`);
      expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('services') });
      return JSON.parse(answer.body) as object;
    });
    expect(fleet).toMatchObject({ services: [{ namespace: 'ai', name: 'generation' }] });
    const history = `${url.pathname}namespaces/ai/generationservices/generation/api/performance/history?since=0`;
    expect(await get(url, history)).toMatchObject({ status: 200, body: expect.stringContaining('"requestRate":[]') });
  });

  test('asks with the rights of the ServiceAccount, and says what the operator said', async () => {
    const url = await openAs('stranger');
    const { status, body } = await get(url, `${url.pathname}generationservices?namespace=ai`);
    expect([status, body]).toEqual([403, body]);
    expect(body).toContain('user \\"system:serviceaccount:ai:stranger\\" cannot list resource');
  });

  test('answers nobody without the path, under another name, or who wants something else than to read views', async () => {
    const url = await openAs('viewer');
    expect(await get(url, '/')).toMatchObject({ status: 404 });
    expect(await get(url, '/generationservices?namespace=ai')).toMatchObject({ status: 404 });
    expect(await get(url, url.pathname, { host: `evil.example:${url.port}` })).toMatchObject({ status: 403 });
    expect(await get(url, url.pathname, { method: 'POST' })).toMatchObject({ status: 405 });
    for (const path of [
      'metrics',
      '../../../../../api/v1/secrets',
      'api/v1/secrets',
      'evil.example/generationservices',
    ])
      expect([path, (await get(url, `${url.pathname}${path}`)).status]).toEqual([path, 404]);
    expect(await get(url, `${url.pathname}/evil.example/generationservices`)).toMatchObject({ status: 400 });
  });

  test('the operator itself serves the page too', async () => {
    const page = await kubectl(['get', '--raw', `/api/v1/namespaces/${operatorIn}/services/https:genops:443/proxy/`]);
    expect(page).toContain('<title>genops</title>');
  });

  test.each([
    {
      own: [],
      says: /^genops console: saw nobody to ask the operator as; wanted --service-account NAME, .*--own-token/,
    },
    {
      own: ['--service-account', 'nobody', '-n', 'ai'],
      says: /^genops console: could not create token of ServiceAccount ai\/nobody: .*; next: kubectl create serviceaccount nobody -n ai, and /,
    },
    { own: ['--own-token'], says: /^genops console: saw a kubeconfig without a token; .*next: --service-account NAME/ },
  ])(
    'without a ServiceAccount, and with no token that may be sent, it says what to do: $own',
    async ({ own, says }) => {
      let said = '';
      const args = ['console', '--kubeconfig', kubeconfig(), ...own];
      const code = await main({
        args,
        env: {},
        out: { write: () => true },
        err: { write: (text) => (said += text) },
        signal: AbortSignal.timeout(20_000),
      });
      expect(code).toBe(2);
      expect(said).toMatch(says);
    },
  );

  test('the address that a browser is started with leads to the page once', async () => {
    const notAsked = () => Promise.reject(new Error('nothing is asked of the operator'));
    await using proxy = await serveConsoleProxy({
      kube: { raw: notAsked },
      operator: { namespace: operatorIn, name: 'genops' },
      credentials: notAsked,
    });
    const once = new URL(proxy.urlOnce);
    expect(await get(once, once.pathname)).toEqual({ status: 303, body: '', location: new URL(proxy.url).pathname });
    expect(await get(once, once.pathname)).toMatchObject({ status: 404, location: undefined });
  });
});

test('genops validate says that nobody knows of an operator where there is no Lease, and judges by the status', async () => {
  const { code, out, err } = await genops('validate', ...generation());
  expect(err).toMatch(
    /^operator: not known, nobody has had the Lease genops-system\/genops: judged by .*--lease-namespace\n/,
  );
  // The operator of this file may have looked by now: nothing is measured here either way.
  expect([code, out]).toEqual([2, expect.stringMatching(/cannot tell \((the operator has not looked|0 of 6 met)/)]);
});

describe('genops explain', () => {
  const explain = async (...more: readonly string[]) => {
    const { code, out, err } = await genops('explain', ...generation(), ...more);
    expect([code, err]).toEqual([0, '']);
    return out;
  };
  const asAccount = (name: string) => explain('--service-account', name);
  beforeAll(async () => {
    await kubectl(['apply', '-n', 'ai', '-f', '-'], stringify(deployment('workflow-execution', { replicas: 2 })));
    const floor = ['get', 'hpa', 'generation-workflow-hpa', '-n', 'ai', '-o', 'jsonpath={.spec.minReplicas}'];
    await eventually(async () => expect(await kubectl(floor)).toBe('2'));
    const patch = JSON.stringify({ spec: { overrides: { horizontal: { minReplicas: 4 } } } });
    await kubectl(['patch', 'gensvc', 'generation', '-n', 'ai', '--type=merge', '-p', patch]);
    await eventually(async () => expect(await kubectl(floor)).toBe('4'));
  });

  test('says what the last decision was made from, and what holds the floor now', async () => {
    await eventually(async () =>
      expect(await asAccount('viewer')).toMatch(
        /\n +decision +ScaleUp 2 → 4, .*\n +reason +MetricsStale: .*\n +input +requests_per_second.*: no Pod has a value\n +held by +MetricsStale\n +next +(not before|may come)/,
      ),
    );

    const patch = JSON.stringify({ spec: { mode: 'DryRun', overrides: { horizontal: { minReplicas: 5 } } } });
    await kubectl(['patch', 'gensvc', 'generation', '-n', 'ai', '--type=merge', '-p', patch]);
    await eventually(async () =>
      expect(await asAccount('viewer')).toMatch(
        /\n +now +ScaleUp 4 → 5, \d+s ago\n +reason +MetricsStale: .*\n +input +requests_per_second: no Pod has a value\n +held by +DryRun\n +next +when DryRun is over/,
      ),
    );
  });

  test('says of what the operator does not tell that it was asked, and why there is no answer', async () => {
    const said = () => asAccount('stranger');
    expect(await said()).toMatch(/\n +decision +ScaleUp 2 → 4, /);
    await eventually(async () =>
      expect(await said()).toMatch(
        /\nNot recorded\n(.*\n)* +decisions that changed nothing, and what each was made from: asked the operator, and .*cannot get resource "generationservices\/views".*; next: docs\/views\.md, or --operator NAMESPACE\/NAME where another one looks after ai\n/,
      ),
    );
  });

  test('says of a ServiceAccount that nobody has made how it is made', async () => {
    expect(await asAccount('nobody')).toMatch(
      /asked the operator, and could not create token of ServiceAccount ai\/nobody: .*not found; next: kubectl create serviceaccount nobody -n ai, and /,
    );
  });

  test('sends no token of the user: without a ServiceAccount the operator is not asked', async () => {
    const mine = ['--kubeconfig', await kubeconfigOf('viewer')];
    await kubectl([
      'create',
      'rolebinding',
      'reader',
      '-n',
      'ai',
      '--clusterrole=cluster-admin',
      '--serviceaccount=ai:viewer',
    ]);
    await eventually(async () =>
      expect(await explain(...mine)).toMatch(
        /\n +decisions that changed nothing, and what each was made from: not recorded here: give --service-account NAME \(one that may get generationservices\/views\)\n/,
      ),
    ); // the right is in force soon
  });

  test('asks with a token for the audience that it is given, which this operator does not take', async () => {
    expect(await explain('--service-account', 'viewer', '--audience', 'genops')).toMatch(
      /asked the operator, and .*saw a token that the cluster does not take, or that is for somebody else/,
    );
  });

  test('takes a Lease for a hint: it explains a refusal while it is renewed, and keeps nobody from an answer', async () => {
    const renewedAt = (time: Date) =>
      kubectl(
        ['apply', '-f', '-'],
        stringify({
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'genops', namespace: operatorIn, annotations: { 'genops.dev/namespaces': 'team' } },
          spec: {
            holderIdentity: 'genops-7c',
            leaseDurationSeconds: 15,
            renewTime: time.toISOString().replace('Z', '000Z'),
          },
        }),
      );
    const others =
      /asked the operator, and saw that genops-system\/genops looks after team only, not ai; next: .* --operator/;
    const input = /\n +input +requests_per_second/;
    await using stack = new AsyncDisposableStack();
    stack.defer(() => kubectl(['delete', 'lease', 'genops', '-n', operatorIn]).then(() => undefined));
    await renewedAt(new Date(Date.now() - 3_600_000));
    await eventually(async () => expect(await asAccount('viewer')).toMatch(input));
    expect(await asAccount('stranger')).not.toMatch(others);
    await eventually(async () => {
      await renewedAt(new Date()); // one that was renewed a minute ago says nothing
      expect(await asAccount('viewer')).toMatch(input);
      expect(await asAccount('stranger')).toMatch(others);
    });
  });
});
