import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ImageFile } from './archive.ts';

const root = join(import.meta.dirname, '../..');

interface Locked {
  readonly version: string;
  /** An SPDX identifier, or an expression of them. */
  readonly license: string;
  /** `sha512-` and base64, of the archive that npm unpacked. */
  readonly integrity?: string;
}

/**
 * What an image of ours is made of, as CycloneDX 1.6: the packages in its bundle with versions and licences as package-lock.json pins them, Node, and the files that it is linked to.
 * Equal contents are equal bytes: no time, no serial number, sorted.
 *
 * @param packages Folders as package-lock.json names them.
 * @param files Of the image; those that are programs or libraries of this machine are named.
 */
export async function sbom(
  packages: readonly string[],
  files: readonly ImageFile[],
  signal: AbortSignal,
): Promise<string> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const locked = (folder: string): Locked => {
    const found = lock.packages[folder];
    if (found === undefined)
      throw new RangeError(`saw ${folder || 'this checkout'} in the bundle; wanted it in package-lock.json`);
    return found;
  };
  const own = locked('');
  const binaries = await Promise.all(
    files.filter(isBinary).map(({ path, from }) => binary(path, from, locked, signal)),
  );
  const components = [...packages.map((folder) => library(folder, locked(folder))), ...binaries];
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': 'genops',
        name: 'genops',
        version: own.version,
        licenses: licenses(own.license),
      },
    },
    components: components.toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1)),
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

/** @param folder `node_modules/@scope/name`, or one below another package's folder. */
function library(folder: string, { version, license, integrity }: Locked) {
  const path = folder.replace(/^.*node_modules\//, '');
  const [name = '', group] = path.split('/').toReversed();
  const purl = `pkg:npm/${group === undefined ? '' : `${group.replace('@', '%40')}/`}${name}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group === undefined ? {} : { group }),
    name,
    version,
    ...(integrity?.startsWith('sha512-') === true && { hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }] }),
    licenses: licenses(license),
    purl,
  };
}

const hexOf = (integrity: string): string =>
  Buffer.from(integrity.slice(integrity.indexOf('-') + 1), 'base64').toString('hex');

const isBinary = (file: ImageFile): file is Extract<ImageFile, { readonly from: string }> =>
  'from' in file && file.mode === 0o755;

/** Node is known by its version; of what it is linked to only this machine knows where it is from, so that is told by what is in it. */
async function binary(path: string, from: string, locked: (folder: string) => Locked, signal: AbortSignal) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(from), hash, { signal });
  const hashes = [{ alg: 'SHA-256', content: hash.digest('hex') }];
  if (!path.endsWith('/node')) return { type: 'file', 'bom-ref': path, name: path, hashes };
  const { version, license } = locked('node_modules/node');
  const purl = `pkg:generic/node@${version}`;
  const cpe = `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`;
  return { type: 'platform', 'bom-ref': purl, name: 'node', version, hashes, licenses: licenses(license), cpe, purl };
}

const licenses = (license: string) => (/ /.test(license) ? [{ expression: license }] : [{ license: { id: license } }]);
