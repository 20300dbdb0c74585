import integration from './jest.integration.config.mjs';

/** What measures time to a few per cent, or compares the whole machine before and after: one file at a time, with nothing beside it. */
export default {
  ...integration,
  displayName: 'alone',
  testMatch: integration.testPathIgnorePatterns,
  testPathIgnorePatterns: [],
  maxWorkers: 1,
};
