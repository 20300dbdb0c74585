import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const pageFiles = [
  'index.html',
  'style.css',
  'app.js',
  'dom.js',
  'views.js',
  'fleet.js',
  'service.js',
  'charts.js',
  'icon.svg',
] as const;
const require = createRequire(import.meta.url);

/** Files of what the console is made of, by the name that it has there. */
export const assetFiles: Readonly<Record<string, string>> = {
  ...Object.fromEntries(pageFiles.map((name) => [name, join(import.meta.dirname, 'page', name)])),
  'uplot.js': require.resolve('uplot/dist/uPlot.iife.min.js'),
  'uplot.css': require.resolve('uplot/dist/uPlot.min.css'),
};

/** What the console is made of, by file name. hack/image/bundle.ts puts the text of all these into the program in place of this file. */
export const assets: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(assetFiles).map(([name, path]) => [name, readFileSync(path, 'utf8')]),
);
