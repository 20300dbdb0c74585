import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nodeBase } from '../../hack/image/node-base.ts';
import { operatorImage, sbomOf } from '../../hack/image/operator.ts';
import { sbom } from '../../hack/image/sbom.ts';

const root = resolve(import.meta.dirname, '../..');
const schemas = join(root, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

interface Component {
  readonly type: string;
  readonly name: string;
  readonly group?: string;
  readonly version?: string;
  readonly purl?: string;
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}
interface Bom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}
let contents: ReadonlyMap<string, string>;
let bom: Bom;
beforeAll(async () => {
  const { files } = await operatorImage(patience());
  contents = new Map(files.flatMap((file) => ('content' in file ? [[file.path, Buffer.from(file.content).toString()] as const] : []))); // prettier-ignore
  bom = JSON.parse(contents.get('/app/genops.cdx.json') ?? '') as Bom;
});

const ofType = (type: string): readonly Component[] => bom.components.filter((component) => component.type === type);
const fullName = ({ group, name }: Component): string => (group === undefined ? name : `${group}/${name}`);

async function validator() {
  const read = async (name: string): Promise<object> =>
    JSON.parse(await readFile(join(schemas, `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  for (const name of ['spdx', 'jsf-0.82'])
    ajv.addSchema(await read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  return ajv.compile(await read('bom-1.6'));
}

test('the bill of materials is CycloneDX 1.6, and of licences it names those that SPDX has', async () => {
  const valid = await validator();
  valid(bom);
  expect(valid.errors).toBeNull();
  const [first = {}, ...others] = bom.components;
  expect(valid({ ...bom, components: [{ ...first, licenses: [{ license: { id: 'MIT-ish' } }] }, ...others] })).toBe(
    false,
  );
  expect(bom.metadata.component).toMatchObject({ name: 'genops', licenses: [{ license: { id: 'Apache-2.0' } }] });
});

test('it names every package of which the bundle has something, and no other', () => {
  const bundle = contents.get('/app/genops.mjs') ?? '';
  const sources = [...bundle.matchAll(/^\s*\/\/ (.*node_modules\/.+)$/gm)].map(([, path = '']) => path); // esbuild says what comes from where
  const folders = sources.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const packages = new Set(folders.map((folder) => folder.replace(/^.*node_modules\//, '')));
  expect(packages.size).toBeGreaterThan(30);
  expect(bundle).toContain('leeoniya/uPlot'); // a text of the console, which esbuild does not know
  packages.add('uplot');
  expect([...new Set(ofType('library').map(fullName))].toSorted()).toEqual([...packages].toSorted());
});

describe('each component', () => {
  test('that is a package has the version that is installed, its licence, and the digest of what npm unpacked', async () => {
    for (const component of ofType('library')) {
      const { version, purl = '', licenses, hashes } = component;
      expect(purl).toBe(`pkg:npm/${fullName(component).replace('@', '%40')}@${version}`);
      expect([licenses?.length, hashes?.[0]?.content]).toEqual([1, expect.stringMatching(/^[0-9a-f]{128}$/)]);
    }
    const manifest = JSON.parse(await readFile(join(root, 'node_modules/pg/package.json'), 'utf8')) as Component;
    expect(ofType('library').find(({ name }) => name === 'pg')?.version).toBe(manifest.version);
  });

  test('besides is Node, by the name that vulnerabilities are filed under, or a file it is linked to', () => {
    const { version } = process;
    expect(ofType('platform')).toMatchObject([
      { name: 'node', version: version.slice(1), cpe: `cpe:2.3:a:nodejs:node.js:${version.slice(1)}:*:*:*:*:*:*:*` },
    ]);
    expect(ofType('file').map(({ name }) => name)).toEqual(expect.arrayContaining([expect.stringMatching(/\/libc\.so/)])); // prettier-ignore
    expect(bom.components).toHaveLength(['library', 'platform', 'file'].flatMap(ofType).length);
  });
});

test('`make sbom` prints the one that is in the image; a package that no lock file pins is refused', async () => {
  expect(await sbomOf(patience())).toBe(contents.get('/app/genops.cdx.json'));
  const base = await nodeBase(patience());
  await expect(sbom(['node_modules/nobodys'], base, patience())).rejects.toThrow(
    'saw node_modules/nobodys in the bundle; wanted it in package-lock.json',
  );
});
