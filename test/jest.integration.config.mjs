/** Integration and fault tests: a real API server with a real node, real servers. More than half of their time is waiting for states, so four files share two cores. */
export default {
  displayName: 'integration',
  rootDir: '..',
  roots: ['<rootDir>/test/integration', '<rootDir>/test/faults'],
  testMatch: ['**/*.test.ts'],
  globalSetup: '<rootDir>/test/bundle-operator.mjs',
  // These run alone: see jest.alone.config.mjs.
  testPathIgnorePatterns: [
    '<rootDir>/test/faults/harness.test.ts',
    '<rootDir>/test/integration/hostile-pages.test.ts',
    '<rootDir>/test/integration/kube-leader.test.ts',
    '<rootDir>/test/integration/kept-roll-ups.test.ts',
    '<rootDir>/test/integration/load.test.ts',
    '<rootDir>/test/integration/measured-load.test.ts',
    '<rootDir>/test/integration/readme.test.ts',
    '<rootDir>/test/integration/runtime-cache-deletions.test.ts',
    '<rootDir>/test/integration/runtime-cache.test.ts',
    '<rootDir>/test/integration/workload.test.ts',
  ],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  testTimeout: 400_000, // more than any wait within a test: that one says what it saw
  maxWorkers: 4,
};
