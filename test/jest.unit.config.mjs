process.env.FORCE_COLOR ??= process.stdout.isTTY ? '1' : '0'; // else the runner's threads take it for asked

/** Unit tests: no network, no process; 15 s for all of them is the goal (decision 0107). */
export default {
  displayName: 'unit',
  rootDir: '..',
  runner: ['jest-light-runner', { runtime: 'worker_threads' }], // of two processes one may wait for ever to be told its project
  setupFilesAfterEnv: ['<rootDir>/test/jest.globals.mjs'],
  maxWorkers: '100%', // Jest leaves a core to nobody
  roots: ['<rootDir>/test/unit'],
  testMatch: ['**/*.test.ts'],
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
};
