/** Unit tests: no network, no process, all of them under 15 s. */
export default {
  displayName: 'unit',
  rootDir: '..',
  runner: ['jest-light-runner', { runtime: 'child_process' }],
  setupFilesAfterEnv: ['<rootDir>/test/jest.globals.mjs'],
  maxWorkers: '100%', // Jest leaves a core to nobody
  roots: ['<rootDir>/test/unit'],
  testMatch: ['**/*.test.ts'],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
};
