/** Fault tests: what must hold when servers, connections, the operator or the harness fail. One at a time: some compare the whole machine before and after. */
export default {
  displayName: 'faults',
  rootDir: '..',
  roots: ['<rootDir>/test/faults'],
  testMatch: ['**/*.test.ts'],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  testTimeout: 120_000,
  maxWorkers: 1,
};
