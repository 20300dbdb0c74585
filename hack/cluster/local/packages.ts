import { readdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { debianPackages } from '../../servers/debian.ts';
import { findOnPath } from '../client-programs.ts';

/** Programs that are not Go modules. They are unpacked into the cache: nothing is installed. */
export interface SystemPrograms {
  readonly debianRoot: string;
  /** For a program that is to find them: PATH, and where they find their own libraries. */
  readonly env: Readonly<Record<string, string>>;
}

const packages = [
  'runc',
  'libseccomp2',
  'containernetworking-plugins',
  'iptables',
  'libip4tc2',
  'libip6tc2',
  'libxtables12',
  'libmnl0',
  'libnftnl11',
  'libnetfilter-conntrack3',
  'libnfnetlink0',
] as const;

/** Debian's standard installation has it, a minimal one has not. */
const iproute = ['iproute2', 'libbpf1', 'libbsd0', 'libcap2', 'libdb5.3', 'libelf1', 'libmd0', 'libtirpc3'] as const;

export async function systemPrograms(): Promise<SystemPrograms> {
  const hasIp = (await findOnPath('ip', systemPath())) !== undefined;
  const wanted = hasIp ? packages : [...packages, ...iproute];
  const debianRoot = await debianPackages(hasIp ? 'node' : 'node-ip', wanted);
  const sbin = join(debianRoot, 'usr/sbin');
  for (const name of [
    'iptables',
    'iptables-save',
    'iptables-restore',
    'ip6tables',
    'ip6tables-save',
    'ip6tables-restore',
  ]) {
    await symlink('xtables-nft-multi', join(sbin, name)).catch(unlessItExists); // what Debian's installation script would do
  }
  const libraries = (await readdir(join(debianRoot, 'usr/lib'))).find((name) => name.endsWith('-linux-gnu')) ?? '';
  const libraryFolder = join(debianRoot, 'usr/lib', libraries);
  return {
    debianRoot,
    env: {
      PATH: [sbin, join(debianRoot, 'usr/bin'), join(debianRoot, 'bin'), join(debianRoot, 'sbin'), systemPath()].join(
        delimiter,
      ),
      LD_LIBRARY_PATH: [libraryFolder, join(debianRoot, 'lib', libraries)].join(delimiter),
      XTABLES_LIBDIR: join(libraryFolder, 'xtables'),
    },
  };
}

function unlessItExists(error: unknown): void {
  if (!Error.isError(error) || !('code' in error) || error.code !== 'EEXIST') throw error;
}

function systemPath(): string {
  return [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].join(delimiter);
}
