import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { problemText } from '../../operator/api/field-problem.ts';
import { validate } from '../../operator/api/validate.ts';
import { releasedKind } from '../world/released-kind.ts';
import { allKeywords, allMessages, brokenSamples, type BadExample } from './bad-examples.ts';
import { crossFieldExamples } from './cross-field-examples.ts';
import { plainExamples } from './plain-examples.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const samples = join(root, 'config/samples');
const crds = ['generationservices', 'performancepolicies'].flatMap((plural) => [
  '-f',
  join(root, `crds/genops.dev_${plural}.yaml`),
]);
const bad: readonly BadExample[] = [...crossFieldExamples, ...brokenSamples(), ...plainExamples];

let plane: ControlPlane;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-crds-'));
  plane = await controlPlane({ progress: progressOn(process.stderr) }, AbortSignal.timeout(900_000));
  await kubectl('apply', ...crds);
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
  await kubectl('create', 'namespace', 'ai');
}, 900_000);

afterAll(async () => {
  await plane[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root, exclude: ['docs/decisions/**'] })].map((page) => join(root, page)); // prettier-ignore
type Fragment = Readonly<Record<string, unknown>>;
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
const apiVersion = 'genops.dev/v1alpha1';
const metadata = { name: 'shown', namespace: 'ai' };

/** The whole object that a part is shown of. */
function whole(part: Fragment): Fragment {
  const { kind, spec = {} } = part as { readonly kind?: string; readonly spec?: Fragment };
  if (kind === 'GenerationService' || (kind === undefined && 'spec' in part))
    return { apiVersion, kind: 'GenerationService', metadata, spec: { components: [{ name: 'workflow', targetRef }], ...withTargets(spec) } }; // prettier-ignore
  if (kind !== undefined) return kind.endsWith('Role') ? { ...part, metadata } : part;
  if ('volumes' in part) return deploymentWith(part);
  if ('components' in part || Array.isArray(part['redis'])) return whole({ spec: part });
  if ('metrics' in part) return whole({ spec: { components: [{ name: 'workflow', ...part }] } });
  const policy = 'rules' in part ? { optimizer: part } : part;
  return { apiVersion, kind: 'PerformancePolicy', metadata, spec: policy };
}

const withTargets = ({ components, ...spec }: Fragment): Fragment =>
  Array.isArray(components)
    ? { ...spec, components: components.map((component: Fragment) => ({ targetRef, ...component })) }
    : spec;

const deploymentWith = ({ volumes, containers }: Fragment): Fragment => {
  const named = (containers as readonly Fragment[]).map((container) => ({ name: 'app', image: 'app', ...container }));
  const labels = { app: 'shown' };
  const template = { metadata: { labels }, spec: { volumes, containers: named } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: labels }, template } };
};

/** What kubectl prints; rejects with its stderr. */
async function kubectl(...args: readonly string[]): Promise<string> {
  const options = { timeout: 60_000, maxBuffer: 2 ** 24 };
  const { stdout } = await run(join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args], options);
  return stdout;
}

test('a client-side apply takes the CRDs, also a second time', async () => {
  expect(await kubectl('apply', ...crds)).toBe(
    ['generationservices', 'performancepolicies']
      .map((plural) => `customresourcedefinition.apiextensions.k8s.io/${plural}.genops.dev unchanged\n`)
      .join(''),
  );
});

test('every sample is taken as it stands', async () => {
  const files = (await readdir(samples)).filter((file) => file.endsWith('.yaml'));
  for (const file of files)
    expect(await kubectl('apply', '-f', join(samples, file))).toMatch(/ (created|configured)\n$/);
});

test('every manifest of README and docs is taken by the API server, also where only a part of one is shown', async () => {
  const shown = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm)].flatMap(([, text = '']) =>
      parseAllDocuments(text).map((document) => whole(document.toJS() as Fragment)),
    ),
  );
  expect(shown.length).toBeGreaterThan(12);
  for (const [index, manifest] of shown.entries()) {
    const file = join(folder, `shown-${index}.json`);
    await writeFile(file, JSON.stringify(manifest));
    expect(await kubectl('apply', '--dry-run=server', '-f', file)).toMatch(/ \(server dry run\)\n$/);
  }
});

test('the kustomize base, and the chart with all that needs no other operator, are taken by the API server', async () => {
  const applied = await kubectl('apply', '--server-side', '--force-conflicts', '-k', join(root, 'config/default'));
  expect(applied).toMatch(/^deployment\.apps\/genops serverside-applied$/m);
  const policy = await kubectl('apply', '--server-side', '-k', join(root, 'config/network-policy'));
  expect(policy).toBe('networkpolicy.networking.k8s.io/genops serverside-applied\n');

  const values =
    'replicas=2,networkPolicy.enabled=true,metricsAPI.enabled=true,views.enabled=true,monitoring.dashboard.enabled=true';
  const secrets = 'secretAccess=[{"namespace":"ai","names":["redis"]}]';
  const asked = [
    'template',
    'chart',
    join(root, 'charts/genops'),
    '-n',
    'genops-system',
    '--set',
    values,
    '--set-json',
    secrets,
  ];
  const { stdout } = await run(join(plane.binDir, 'helm'), asked, { maxBuffer: 2 ** 24 });
  const file = join(folder, 'chart.yaml');
  await writeFile(file, stdout);
  const taken = await kubectl('apply', '--server-side', '-f', file);
  const kinds = new Set(taken.split('\n').map((line) => line.split(/[./]/)[0]));
  for (const kind of [
    'deployment',
    'networkpolicy',
    'poddisruptionbudget',
    'secret',
    'service',
    'apiservice',
    'clusterrole',
    'role',
    'configmap',
  ])
    expect(kinds).toContain(kind);
});

test('what chart and config have for the Prometheus Operator and cert-manager is taken by the kinds of their releases', async () => {
  const monitors = 'github.com/prometheus-operator/prometheus-operator@v0.88.0';
  const monitor = (plural: string) =>
    releasedKind(monitors, `example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`);
  const kinds = [
    ...(await Promise.all(['podmonitors', 'servicemonitors', 'prometheusrules'].map(monitor))),
    await releasedKind('github.com/cert-manager/cert-manager@v1.19.1', 'deploy/crds/cert-manager.io_certificates.yaml'),
  ];
  const file = join(folder, 'kinds.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: kinds }));
  await kubectl('apply', '--server-side', '-f', file); // too large for the annotation of a client-side apply
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
  await kubectl('create', 'namespace', 'optional');
  await kubectl('apply', '--server-side', '-f', join(root, 'config/manager/namespace.yaml'));

  const chart = async (...values: readonly string[]): Promise<readonly string[]> => {
    const args = ['template', 'optional', join(root, 'charts/genops'), '-n', 'optional', '--set', values.join(',')];
    const { stdout } = await run(join(plane.binDir, 'helm'), args, { maxBuffer: 2 ** 24 });
    await writeFile(file, stdout);
    return (await strictly('-f', file)).split('\n').filter((line) => /coreos|cert-manager/.test(line));
  };
  const strictly = (...what: readonly string[]) =>
    kubectl('apply', '--server-side', '--validate=strict', '--dry-run=server', ...what); // a field that nobody knows is an error
  const dry = (...objects: readonly string[]) =>
    objects.map((object) => `${object} serverside-applied (server dry run)`);
  const monitoring = 'monitoring.rules.enabled=true,monitoring.labels.release=prometheus';
  expect(await chart(monitoring, 'monitoring.podMonitor.enabled=true')).toEqual(
    dry('podmonitor.monitoring.coreos.com/optional', 'prometheusrule.monitoring.coreos.com/optional'),
  );
  const token = 'monitoring.serviceMonitor.enabled=true,monitoring.serviceMonitor.tokenSecret.name=token';
  const issuer = 'certificate.issuerRef.name=internal,certificate.issuerRef.kind=ClusterIssuer';
  expect(await chart('views.enabled=true,metricsAPI.enabled=true', token, issuer)).toEqual(
    dry('certificate.cert-manager.io/optional-tls', 'servicemonitor.monitoring.coreos.com/optional'),
  );
  expect(await strictly('-k', join(root, 'config/monitoring'))).toMatch(
    /^podmonitor\.monitoring\.coreos\.com\/genops .*\nprometheusrule\.monitoring\.coreos\.com\/genops /m,
  );
}, 300_000);

test('a policy holds only what somebody wrote', async () => {
  await kubectl('apply', '-f', join(samples, 'policy-minimal.yaml'));
  const spec: unknown = JSON.parse(await kubectl('get', 'perf', 'minimal', '-n', 'ai', '-o', 'jsonpath={.spec}'));
  expect(spec).toEqual({
    objectives: {
      workflowDuration: { target: '30s' },
      cachedResponseTime: { target: '100ms' },
      successRatio: { target: '0.95' },
    },
  });
});

test('a service has the defaults of its own scalars', async () => {
  await kubectl('apply', '-f', join(samples, 'generationservice-minimal.yaml'));
  const modes = 'jsonpath={.spec.mode} {.spec.deletionPolicy}';
  expect(await kubectl('get', 'gensvc', 'minimal', '-n', 'ai', '-o', modes)).toBe('Enforce Retain');
});

test('kubectl get finds both kinds by their category, with the columns that tell an SRE how things are', async () => {
  await kubectl('apply', '-f', samples);
  expect(await kubectl('get', 'gensvc', '-n', 'ai')).toMatch(/^NAME +MODE +READY +METRICS +OBJECTIVES +GRADE +AGE\n/);
  expect(await kubectl('get', 'perf', '-n', 'ai')).toMatch(/^NAME +ACCEPTED +SERVICES +AGE\n/);
  const all = await kubectl('get', 'genops', '-n', 'ai', '-o', 'name');
  expect(all).toContain('generationservice.genops.dev/generation\n');
  expect(all).toContain('performancepolicy.genops.dev/guide\n');
});

test('services are found by their policy', async () => {
  await kubectl('apply', '-f', samples);
  const found = await kubectl('get', 'gensvc', '-n', 'ai', '--field-selector=spec.policyRef.name=guide', '-o', 'name');
  expect(found).toContain('generationservice.genops.dev/generation\n');
  expect(found).not.toContain('minimal');
});

describe('kubectl explain', () => {
  test.each([
    { field: 'gensvc.spec.components', text: 'The workloads of the service, each with its own scaling and resources.' },
    { field: 'gensvc.spec.overrides.redis.maxMemory', text: 'Memory in bytes that the data may use.' },
    { field: 'gensvc.spec.mode', text: '(default Enforce)' },
    { field: 'gensvc.spec.deletionPolicy', text: '(default Retain)' },
    { field: 'perf.spec.redis.maxMemory', text: '(default 1Gi)' },
    { field: 'perf.spec.scaler.cooldown', text: '(default 300s)' },
    { field: 'gensvc.status.conditions', text: 'What holds and what does not.' },
  ])('$field reads well', async ({ field, text }) => {
    expect((await kubectl('explain', field)).replace(/\s+/g, ' ')).toContain(text);
  });
});

describe('the API server refuses', () => {
  let answers: ReadonlyMap<string, string>;

  beforeAll(async () => {
    const objects = bad.map(({ kind, spec }, index) =>
      JSON.stringify({
        apiVersion: 'genops.dev/v1alpha1',
        kind,
        metadata: { name: nameOf(index), namespace: 'ai' },
        spec,
      }),
    );
    const file = join(folder, 'bad.yaml');
    await writeFile(file, objects.join('\n---\n'));
    answers = byObject(await refusals(file));
  }, 60_000);

  test.each(bad.map((example, index) => ({ ...example, index })))('$kind: $name', ({ field, message, index }) => {
    const answer = answers.get(nameOf(index)) ?? 'it was accepted';
    expect(answer).toContain(`${field}: `);
    expect(answer).toContain(message);
  });

  test('every rule has a bad example here', () => {
    const shown = new Set(bad.map(({ message }) => message));
    const untested = [...allMessages()].filter((message) => ![...shown].some((part) => message.includes(part)));
    expect(untested).toEqual([]);
  });
});

describe('what no rule of ours tells is told without a cluster too, with an example', () => {
  test.each(plainExamples)('$kind: $name', ({ kind, spec, field, offline }) => {
    const found = validate({ apiVersion, kind, metadata, spec });
    const told = found.kind === 'invalid' ? found.problems.map(problemText) : [];
    const about = told.filter((text) => text.startsWith(`${field.replace(/\[1\]$/, '')}: saw `)); // of a list offline says the list
    expect(about.join('\n')).toContain(offline);
  });

  test('there is one of each kind that the schemas have', () => {
    expect(new Set(plainExamples.map(({ keyword }) => keyword))).toEqual(allKeywords());
  });
});

test('a field that nobody knows is named, here and without a cluster', async () => {
  const object = { apiVersion, kind: 'PerformancePolicy', metadata, spec: { horizontal: { replicas: 3 } } };
  const file = join(folder, 'unknown.json');
  await writeFile(file, JSON.stringify(object));
  expect(await refusals(file)).toContain('unknown field "spec.horizontal.replicas"');
  const problem = { field: 'spec.horizontal.replicas', wanted: expect.stringContaining('minReplicas') };
  expect(validate(object)).toMatchObject({ problems: [problem] });
});

const nameOf = (index: number): string => `bad-${index}`;

/** All in one call: kubectl goes on after an object that is refused. */
async function refusals(file: string): Promise<string> {
  try {
    return `accepted: ${await kubectl('create', '--dry-run=server', '-f', file)}`;
  } catch (error) {
    if (!Error.isError(error) || !('stderr' in error)) throw error;
    return String(error.stderr);
  }
}

/** kubectl's lines by the object that they are about. */
function byObject(text: string): ReadonlyMap<string, string> {
  const parts = text.split(/^(?=The |Error from server)/m);
  return new Map(parts.map((part) => [/"(bad-[0-9]+)"/.exec(part)?.[1] ?? part, part]));
}
