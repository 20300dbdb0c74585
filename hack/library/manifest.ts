import { builtinModules } from 'node:module';

/** What of this checkout's package.json a library is published with. */
export interface Checkout {
  readonly version: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** What the files of a library import, by package: no relative path, nothing of Node itself. */
export function packagesIn(texts: readonly string[]): readonly string[] {
  const named = texts.flatMap((text) => [...text.matchAll(/(?:from|import\(|import) ?['"]([^'"]+)['"]/g)]);
  const packages = named.flatMap(([, specifier = '']) => (isPackage(specifier) ? [packageOf(specifier)] : []));
  return [...new Set(packages)].toSorted();
}

const isPackage = (specifier: string): boolean =>
  !specifier.startsWith('.') && !specifier.startsWith('node:') && !builtinModules.includes(specifier);

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** package.json of `genops/runtime` by itself: who uses it installs nothing of the operator. @throws {RangeError} for a package that the checkout has not. */
export function libraryManifest(checkout: Checkout, packages: readonly string[]): object {
  const { version, license, engines, dependencies, devDependencies } = checkout;
  const wanted = packages.flatMap((name) => {
    const range = dependencies[name];
    if (range === undefined)
      throw new RangeError(`saw an import of ${name}; wanted it in dependencies of package.json`);
    const types = `@types/${name}`;
    const typed = devDependencies[types];
    return [[name, range] as const, ...(typed === undefined ? [] : [[types, typed] as const])];
  });
  return {
    name: 'genops',
    version,
    description:
      'What a Node service runs with: pools, caches, batches and limits whose settings change while it runs.',
    license,
    type: 'module',
    engines,
    sideEffects: false,
    exports: { './runtime': { types: './dist/runtime/runtime.d.ts', default: './dist/runtime/runtime.js' } },
    files: ['dist'],
    dependencies: Object.fromEntries(wanted),
  };
}
