import { command, exit } from './command.ts';

/** Of package.json; a test holds it against it. */
export const versionNumber = '0.1.0';

export const version = command({
  summary: 'print the version',
  examples: ['genops version'],
  options: {},
  help: {},
  run({ out }) {
    out.write(`genops ${versionNumber} (node ${process.version})\n`);
    return Promise.resolve(exit.yes);
  },
});
