/** Fault tests: what must hold when servers, connections or the operator itself fail. */
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
