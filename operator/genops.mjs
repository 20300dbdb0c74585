#!/usr/bin/env node
import { fileURLToPath } from 'node:url';

// `genops` and `kubectl genops` from a checkout. Older versions of Node end in a stack at the first file in TypeScript, so what says so is none.
const wanted = [24, 12];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) await import('./main.ts');
else {
  const root = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(
    `genops: saw Node ${process.versions.node}; wanted ${wanted.join('.')} or later; next: put one first on the PATH, or run "${root}node_modules/.bin/node" "${root}operator/genops.mjs"\n`,
  );
  process.exitCode = 2;
}
