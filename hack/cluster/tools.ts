import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { link, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { cached, cacheFolder, exists } from '../cache.ts';
import { withLock } from './lock.ts';
import type { Progress } from './progress.ts';

const run = promisify(execFile);

/** A module of hack/tools that pins programs. */
interface ToolModule {
  readonly folder:
    'kubernetes' | 'kubernetes-1.34' | 'oldest-kubernetes' | 'containerd' | 'gitops' | 'helm3' | 'actionlint';
  readonly title: string;
  /** What `go build` builds: a package, or `tool` for the tool directives of go.mod. */
  readonly packages: string;
  readonly tags: string;
  /** Variables that hold a version, and the module whose version they hold. */
  readonly versions: Readonly<Record<string, string>>;
  /** Names of the one program that is built. Hard links: a symbolic link is forgotten when a program starts itself again. */
  readonly names: readonly string[];
}

const kubernetes: ToolModule = {
  folder: 'kubernetes',
  title: 'the Kubernetes programs',
  packages: '.',
  tags: '',
  versions: {
    'k8s.io/component-base/version.gitVersion': 'k8s.io/kubernetes',
    'k8s.io/client-go/pkg/version.gitVersion': 'k8s.io/kubernetes',
    'helm.sh/helm/v4/internal/version.version': 'helm.sh/helm/v4',
  },
  names: [
    'coredns',
    'etcd',
    'helm',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-proxy',
    'kube-scheduler',
    'kubectl',
    'kubelet',
    'metrics-server',
  ],
};

/** Earlier minors, by GENOPS_KUBERNETES: the oldest that the chart takes. What has no minor of its own is linked from the newest. */
const earlier: Readonly<Record<string, ToolModule>> = {
  '1.34': {
    folder: 'kubernetes-1.34',
    title: 'the programs of Kubernetes 1.34',
    packages: '.',
    tags: '',
    versions: {
      'k8s.io/component-base/version.gitVersion': 'k8s.io/kubernetes',
      'k8s.io/client-go/pkg/version.gitVersion': 'k8s.io/kubernetes',
    },
    names: ['kube-apiserver', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubectl', 'kubelet'],
  },
};

/** The minor that GENOPS_KUBERNETES asks for; undefined: the newest. @throws {RangeError} for one that hack/tools has not. */
export function askedMinor({ GENOPS_KUBERNETES: asked = '' } = process.env): string | undefined {
  if (asked === '' || Object.hasOwn(earlier, asked)) return asked || undefined;
  throw new RangeError(
    `saw GENOPS_KUBERNETES=${asked}; wanted ${Object.keys(earlier).join(' or ')}; next: correct it, or leave it out for the newest`,
  );
}

const containerd: ToolModule = {
  folder: 'containerd',
  title: 'containerd',
  packages: 'tool',
  tags: 'no_btrfs no_devmapper no_zfs',
  versions: { 'github.com/containerd/containerd/v2/version.Version': 'github.com/containerd/containerd/v2' },
  names: [],
};

/** Programs of their own, of the Kubernetes programs' module: nobody waits for them who does not ask, and who does waits for little more than the links. */
const verticalPodAutoscaler: ToolModule = {
  folder: 'kubernetes',
  title: 'the Vertical Pod Autoscaler',
  packages: 'tool',
  tags: '',
  versions: {},
  names: [],
};

/** The Helm before the one of the Kubernetes programs. In a module of its own, as another main of the same name; its pins are theirs, so that most of it is compiled already. */
const helm3: ToolModule = {
  folder: 'helm3',
  title: 'Helm 3',
  packages: 'tool',
  tags: '',
  versions: { 'helm.sh/helm/v3/internal/version.version': 'helm.sh/helm/v3' },
  names: [],
};

/** In a module of its own: what it needs beside the Kubernetes programs' would have them built again. */
const gitOps: ToolModule = {
  folder: 'gitops',
  title: 'what GitOps tools make of an object',
  packages: '.',
  tags: '',
  versions: {},
  names: ['gitops'],
};

/** In a module of its own: its Kubernetes is the oldest that the chart takes. */
const oldestKubernetes: ToolModule = {
  folder: 'oldest-kubernetes',
  title: 'what the oldest Kubernetes says against a CRD',
  packages: '.',
  tags: '',
  versions: {},
  names: ['oldest-kubernetes'],
};

/** In a module of its own: it has nothing of Kubernetes in it. */
const actionlint: ToolModule = {
  folder: 'actionlint',
  title: 'actionlint',
  packages: 'tool',
  tags: '',
  versions: {},
  names: [],
};

/** The folder with etcd, kube-apiserver, kubectl, helm and the other names of hack/tools/kubernetes/main.go, of the minor that is asked for. Minutes where the cache has it not. */
export async function kubernetesPrograms(progress: Progress, signal: AbortSignal): Promise<string> {
  const newest = await programsOf(kubernetes, progress, signal);
  const module = earlier[askedMinor() ?? ''];
  return module === undefined ? newest : programsOf(module, progress, signal, newest);
}

/** The folder with containerd, containerd-shim-runc-v2 and ctr. Two minutes where the cache has it not. */
export async function containerdPrograms(progress: Progress, signal: AbortSignal): Promise<string> {
  return programsOf(containerd, progress, signal);
}

/** The folder with its recommender, updater and admission-controller. Half a minute where the cache has it not. */
export async function verticalPodAutoscalerPrograms(progress: Progress, signal: AbortSignal): Promise<string> {
  return programsOf(verticalPodAutoscaler, progress, signal);
}

/** The folder with gitops: see hack/tools/gitops/main.go. */
export async function gitOpsPrograms(progress: Progress, signal: AbortSignal): Promise<string> {
  return programsOf(gitOps, progress, signal);
}

/** The folder with helm, of version 3. A minute where the cache has it not. */
export async function helm3Program(progress: Progress, signal: AbortSignal): Promise<string> {
  return programsOf(helm3, progress, signal);
}

/** The folder with oldest-kubernetes: see hack/tools/oldest-kubernetes/main.go. A minute where the cache has it not. */
export async function oldestKubernetesProgram(progress: Progress, signal: AbortSignal): Promise<string> {
  return programsOf(oldestKubernetes, progress, signal);
}

/** The folder with actionlint, which knows what GitHub takes for a workflow. Half a minute where the cache has it not. */
export async function actionlintProgram(progress: Progress, signal: AbortSignal): Promise<string> {
  return programsOf(actionlint, progress, signal);
}

/** The manifests of its kinds, of the version that go.mod pins. */
export async function verticalPodAutoscalerKinds(signal: AbortSignal): Promise<string> {
  const name = 'k8s.io/autoscaler/vertical-pod-autoscaler';
  const { Dir } = JSON.parse(await go(['mod', 'download', '-json', name], verticalPodAutoscaler, signal)) as {
    Dir: string;
  };
  return readFile(join(Dir, 'deploy/vpa-v1-crd-gen.yaml'), 'utf8');
}

/** @param others A folder of the cache, whose programs of other names are there too. */
async function programsOf(
  module: ToolModule,
  progress: Progress,
  signal: AbortSignal,
  others?: string,
): Promise<string> {
  const name = join('bin', `${module.folder}-${await hashOf(module, others, signal)}`);
  const folder = join(cacheFolder(), name);
  if (await exists(folder)) return folder;
  const onWait = (): void => progress.line(`  another process is building ${module.title}: waiting for it`);
  const fill = (): Promise<string> =>
    cached(name, async (unfinished) => {
      await build(module, unfinished, progress, signal);
      const borrowed = others === undefined ? [] : await readdir(others);
      for (const program of borrowed.filter((one) => !module.names.includes(one)))
        await link(join(others ?? '', program), join(unfinished, program));
    });
  return withLock({ name: `build-${module.folder}`, onWait }, fill, signal);
}

/** Of all that decides what comes out: how it is built, the pins, our own main, the version of Go, and what is taken from elsewhere. */
async function hashOf(module: ToolModule, others: string | undefined, signal: AbortSignal): Promise<string> {
  const goVersion = await go(['env', 'GOVERSION'], module, signal);
  const hash = createHash('sha256').update(JSON.stringify([module, process.arch, compilerFlags, goVersion]));
  if (others !== undefined) hash.update(basename(others));
  for (const file of ['go.mod', 'go.sum', 'main.go']) {
    const path = join(sourceOf(module), file);
    if (await exists(path)) hash.update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 16);
}

async function build(module: ToolModule, folder: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const list = (): Promise<string> => go(['list', '-deps', `-tags=${module.tags}`, module.packages], module, signal);
  const packages = await progress.step(`fetching the sources of ${module.title}`, list);
  const total = packages.split('\n').length;
  const output = join(folder, module.names.length === 0 ? './' : 'program');
  const linkerFlags = versionFlags(module.versions, await readFile(join(sourceOf(module), 'go.mod'), 'utf8'));
  let compiled = 0;
  await progress.step(
    `building ${module.title} (once for this machine)`,
    () => compile(module, ['-ldflags', `-s -w ${linkerFlags}`, '-o', output], () => (compiled += 1), signal),
    () => `${compiled} of ${total} packages`, // fewer where Go's own cache has some
  );
  for (const name of module.names) await link(output, join(folder, name));
  if (module.names.length > 0) await rm(output);
}

/** Without debugging information, which the linker would strip again. */
const compilerFlags = ['-trimpath', '-buildvcs=false', '-gcflags=all=-dwarf=false'] as const;

async function compile(
  module: ToolModule,
  args: readonly string[],
  onPackage: () => void,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn('go', ['build', '-v', ...compilerFlags, `-tags=${module.tags}`, ...args, module.packages], {
    cwd: sourceOf(module),
    env: goEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  const exited = once(child, 'exit');
  const complaints: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    if (/^[\w./~-]+$/.test(line))
      onPackage(); // -v names each package as it is compiled
    else complaints.push(line);
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`go build of ${module.title} failed:\n${complaints.slice(-20).join('\n')}`);
}

/** `-X variable=version` for each variable, with the version that go.mod requires. */
export function versionFlags(versions: Readonly<Record<string, string>>, goMod: string): string {
  const flags = Object.entries(versions).map(([variable, module]) => {
    const version = goMod
      .split('\n')
      .flatMap((line) => new RegExp(`^(?:require)?\\s*${module} (v\\S+)`).exec(line)?.[1] ?? []);
    if (version[0] === undefined) throw new Error(`go.mod requires no ${module}`);
    return `-X ${variable}=${version[0]}`;
  });
  return flags.join(' ');
}

async function go(args: readonly string[], module: ToolModule, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run('go', args, {
      cwd: sourceOf(module),
      env: goEnvironment(),
      signal,
      maxBuffer: 2 ** 26,
    });
    return stdout.trim();
  } catch (error) {
    if (!Error.isError(error) || !('code' in error) || error.code !== 'ENOENT') throw error;
    throw new Error('no `go` on the PATH; install Go 1.26 or later from https://go.dev/dl', { cause: error });
  }
}

/** cgo is off: static programs that run on any Linux. A machine's own GOFLAGS would change what the hash stands for. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
}

function sourceOf(module: ToolModule): string {
  return join(import.meta.dirname, '..', 'tools', module.folder);
}
