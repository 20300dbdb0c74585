import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '../../api/problem.ts';
import {
  brotliModules,
  capabilityNames,
  certificateText,
  probeText,
  type Capabilities,
  type Capability,
} from './capabilities.ts';

const run = promisify(execFile);
const testTimeoutMs = 10_000;

/** One binary of nginx, and what it was found to be able to do. */
export interface NginxProgram {
  readonly binary: string;
  readonly version: string;
  readonly capabilities: Capabilities;
  /** Absolute paths of modules that what it can takes. */
  readonly modules: readonly string[];
}

/** Asks the program for its version, and with a configuration of a few lines for each thing that builds differ in. */
export async function probeNginx(
  {
    binary,
    folder,
    modulesFolder,
  }: { readonly binary: string; readonly folder: string; readonly modulesFolder: string },
  signal: AbortSignal,
): Promise<NginxProgram> {
  const version = await versionOf(binary, signal);
  const files = brotliModules.map((name) => join(modulesFolder, name));
  const modules = (await Promise.all(files.map(isThere))).every(Boolean) ? files : [];
  const can = async (capability: Capability): Promise<readonly Capability[]> => {
    const file = join(folder, `probe-${capability}.conf`);
    await writeFile(file, probeText(capability, { folder, modules }));
    return (await testConfiguration({ binary, folder, file }, signal)) === undefined ? [capability] : [];
  };
  const capabilities = new Set((await Promise.all(capabilityNames.map(can))).flat());
  return { binary, version, capabilities, modules: capabilities.has('brotli') ? modules : [] };
}

/** nginx' words on a certificate and key that it does not take. */
export async function certificateRefusal(
  { binary, folder, pair }: { readonly binary: string; readonly folder: string; readonly pair: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const file = join(folder, 'probe-certificate.conf');
  await writeFile(file, certificateText(folder, pair));
  return testConfiguration({ binary, folder, file }, signal);
}

/** nginx -t: undefined where it takes the configuration, else its words. */
export async function testConfiguration(
  { binary, folder, file }: { readonly binary: string; readonly folder: string; readonly file: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await run(binary, ['-t', '-q', '-p', folder, '-c', file], { timeout: testTimeoutMs, signal });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!Error.isError(error) || !('stderr' in error) || typeof error.stderr !== 'string' || error.stderr === '')
      throw doesNotRun(`${binary} -t`, error);
    return emergencies(error.stderr.split('\n'));
  }
}

/** What nginx says of a configuration that it does not take, without time, process and the path of the file. */
export function emergencies(lines: readonly string[]): string {
  const told = lines.filter((line) => line.includes('[emerg]'));
  const words = (told.length === 0 ? lines : told)
    .map((line) => line.replace(/^.*\[emerg\]\s*(\d+#\d+: )?/, '').replace(/ in \S*\/([^/\s]+:\d+)$/, ' in $1'))
    .filter((line) => line !== '');
  return [...new Set(words)].slice(0, 3).join(' | ').slice(0, 500);
}

/** @throws {Problem} where it does not run, or is no nginx. */
async function versionOf(binary: string, signal: AbortSignal): Promise<string> {
  const asked = await run(binary, ['-v'], { timeout: testTimeoutMs, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw doesNotRun(`${binary} -v`, error);
  });
  const version = /version: [^\s/]+\/(\S+)/.exec(asked.stderr)?.[1];
  if (version === undefined) throw noNginx(`${binary} -v that says ${said(asked.stderr, asked.stdout)}`);
  return version;
}

function doesNotRun(call: string, error: unknown): unknown {
  if (!Error.isError(error) || !('code' in error)) return error;
  const { code } = error;
  if (typeof code === 'string') return noNginx(`${call} that cannot be started (${code})`, error);
  const ended =
    'signal' in error && typeof error.signal === 'string' ? `by ${error.signal}` : `with code ${String(code)}`;
  const [stderr, stdout] = ['stderr', 'stdout'].map((name) => String(Reflect.get(error, name) ?? ''));
  return noNginx(`${call} end ${ended}: ${said(stderr, stdout)}`, error);
}

/** In one line. */
const said = (...texts: readonly (string | undefined)[]): string =>
  texts
    .join(' ')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 500) || 'nothing';

const noNginx = (saw: string, cause?: unknown): Problem =>
  new Problem('Failed', {
    saw,
    wanted: 'nginx, which --nginx names',
    next: 'see that this program runs in the container, or name another one: --nginx /usr/sbin/nginx',
    cause,
  });

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
