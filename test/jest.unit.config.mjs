/** Unit tests: no network, no process, all of them under 15 s. */
export default {
  maxWorkers: '100%', // Jest leaves a core to nobody
  displayName: 'unit',
  rootDir: '..',
  testEnvironment: '<rootDir>/test/jest.environment.mjs',
  roots: ['<rootDir>/test/unit'],
  testMatch: ['**/*.test.ts'],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
};
