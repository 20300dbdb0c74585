import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { startCluster, stopCluster, type Cluster } from '../../hack/cluster/cluster.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { eventually } from '../world/eventually.ts';

const run = promisify(execFile);
const readme = readFileSync('README.md', 'utf8');
/** The README installs for all namespaces, so its cluster is nobody else's. */
const name = 'readme';
const clusterProgram = 'node_modules/.bin/node hack/cluster/main.ts';

function section(title: string): string {
  const text = new RegExp(`^## ${title}\n([\\s\\S]*?)^## `, 'm').exec(readme)?.[1];
  if (text === undefined) throw new Error(`README.md has no section ${title}`);
  return text;
}
const blocks = (text: string): readonly string[] => [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = '']) => code); // prettier-ignore
/** Commands that stand in a sentence. */
const spans = (text: string, begin: RegExp): readonly string[] =>
  [...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, code = '']) => code).filter((code) => begin.test(code));

/** As somebody types it: line by line, until one fails. What was sent to the background ends with it. */
async function type(commands: string): Promise<string> {
  const programs = `eval "$(${clusterProgram} env --name ${name})"`;
  const script = [programs, "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", commands].join('\n');
  return (await run('bash', ['-ec', script], { timeout: 300_000, maxBuffer: 2 ** 24 })).stdout;
}

const operator = 'system:serviceaccount:genops-system:genops';
interface Asked {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: { readonly resource: string };
  readonly responseStatus?: { readonly code?: number };
}
/** Of a request that is made when the operator is about to go, which may lose its Role before it ends (docs/uninstall.md). */
const lastPath = 'configmaps/asked-last';
/** What the installed operator asked of the API server until then, with the answer. */
async function askedByOperator({ auditLogPath = '' }: Cluster): Promise<readonly string[]> {
  const log = await eventually(
    () => {
      const text = readFileSync(auditLogPath, 'utf8');
      expect(text).toContain(lastPath); // it is written in batches, every half minute at the latest
      return text.slice(0, text.indexOf(lastPath));
    },
    { withinMs: 50_000 },
  );
  return log
    .split('\n')
    .filter((line) => line.includes(operator))
    .map((line) => JSON.parse(line) as Asked)
    .filter(({ user, objectRef }) => user.username === operator && objectRef !== undefined)
    .map(({ verb, objectRef, responseStatus }) => `${responseStatus?.code} ${verb} ${objectRef?.resource}`);
}

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ name, audit: true }, AbortSignal.timeout(300_000));
}, 310_000);
afterAll(() => stopCluster(name, AbortSignal.timeout(120_000)), 130_000);

test('every command of README.md from the images to the end does what is said of it, in the order in which it stands there', async () => {
  const [install, upgrade] = blocks(section('Install'));
  const [firstService = ''] = blocks(section('A first service'));
  const [build = '', ...then] = firstService.trimEnd().split('\n');

  const archives = [...(await type(build)).matchAll(/^ +(\/\S+) \(.*MB/gm)].map(([, archive = '']) => archive);
  expect(archives).toHaveLength(5);
  for (const archive of archives) await type(`${clusterProgram} load-image ${archive} --name ${name}`);

  await type(install ?? '');
  const port = `${await freePort()}`; // 8080 may be somebody else's on this machine
  const said = await type(then.join('\n').replaceAll('8080', port));
  expect(said).toMatch(/deployment "workflow-execution" successfully rolled out/);
  const [workflow, item] = [...said.matchAll(/\{"id":[^{}]*\}/g)].map(([json]) => JSON.parse(json) as object);
  expect(workflow).toMatchObject({ serviceMs: expect.any(Number) });
  expect(item).toMatchObject({ id: '1' });
  expect(said).toMatch(/NAME +MODE +READY +METRICS +OBJECTIVES +GRADE +AGE\ngeneration +Enforce /);
  for (const condition of ['Ready', 'RedisApplied', 'PostgresApplied', 'RuntimeApplied'])
    await type(`kubectl wait gensvc/generation -n ai --for=condition=${condition} --timeout=2m`);

  await type((upgrade ?? '').replace('TAG', 'dev'));
  await type('kubectl rollout status deploy/genops -n genops-system --timeout=2m');

  const goes = spans(section('A first service'), /^kubectl delete /);
  expect(goes).toHaveLength(2);
  for (const command of goes) await type(command);
  await eventually(
    async () =>
      expect(await type('kubectl get gensvc,hpa,deployments,statefulsets,pods,configmaps -n ai -o name')).toBe('configmap/kube-root-ca.crt\n'), // prettier-ignore
    { withinMs: 90_000 },
  );

  await type('kubectl get configmap asked-last --ignore-not-found');
  const uninstall = section('Install').split('\n\n').find((text) => text.startsWith('**Uninstall**')) ?? ''; // prettier-ignore
  const ends = spans(uninstall, /^(?:kubectl delete|helm uninstall) /);
  expect(ends).toHaveLength(2);
  for (const command of ends) await type(command);
  expect(await type('helm list -A -q')).toBe('');
  expect(await type('kubectl get crd -o name')).toContain('generationservices.genops.dev');
}, 900_000);

test('of all that the operator asked of the API server nothing was denied until its uninstall, but for where other API servers are', async () => {
  const asked = await askedByOperator(cluster);
  const some = ['200 get secrets', '201 create configmaps', '201 patch horizontalpodautoscalers', '201 create events'];
  expect(asked).toEqual(expect.arrayContaining(some));
  const denied = new Set(asked.filter((request) => /^40[13] /.test(request)));
  expect([...denied]).toEqual(['403 list endpointslices']); // without that right it knows the one that answers
}, 60_000);

test('CRDs that hang in deletion since the operator went first go by the commands of docs/uninstall.md, and the service with them', async () => {
  const page = readFileSync('docs/uninstall.md', 'utf8');
  const [install] = blocks(section('Install'));
  await type((install ?? '').replace(/^kubectl create namespace .*\n/, ''));
  await type(`
    kubectl create deployment workflow-execution -n ai --image=none --replicas=0
    sed '/^spec:/a \\  deletionPolicy: Restore' config/samples/generationservice-minimal.yaml | kubectl apply -f -
    kubectl wait gensvc/minimal -n ai --for=condition=Ready --timeout=2m
    kubectl get hpa/minimal-workflow-hpa -n ai`);
  await type('helm uninstall genops -n genops-system --wait');
  const [deleteCrds = ''] = spans(page, /^kubectl delete crd /);
  await type(`${deleteCrds} --wait=false`);
  const crds = () => type('kubectl get crd -o name');
  await eventually(async () => expect(await crds()).not.toContain('performancepolicies.genops.dev'));
  expect(await crds()).toContain('generationservices.genops.dev');

  await type(blocks(page).at(-1) ?? '');
  await eventually(async () => expect(await crds()).not.toContain('generationservices.genops.dev'), {
    withinMs: 90_000,
  });
  await eventually(async () =>
    expect(await type('kubectl get hpa,configmaps -n ai -o name')).toBe('configmap/kube-root-ca.crt\n'),
  );
  const ends = spans(
    page,
    /^(?:helm uninstall genops -n genops-system|kubectl delete crd performancepolicies\.genops\.dev)$/,
  );
  expect(ends).toHaveLength(2);
  for (const command of ends) await type(command);
  expect(await crds()).not.toContain('genops.dev');
}, 300_000);
