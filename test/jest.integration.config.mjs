/** Integration tests: a real API server with a real node, real servers. Half of their time is waiting for states, so two files share the two cores. */
export default {
  displayName: 'integration',
  rootDir: '..',
  roots: ['<rootDir>/test/integration'],
  testMatch: ['**/*.test.ts'],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  testTimeout: 120_000,
  maxWorkers: 2,
};
