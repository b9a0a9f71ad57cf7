import { availableParallelism } from 'node:os';

// Test files wait for servers and processes more than they compute, so that two at a time pay on any machine. More than
// a few would only crowd the one Temporal server and the one Postgres that all of them share.
const maxWorkers = Math.min(4, Math.max(2, availableParallelism()));

export default {
  maxWorkers,
  testEnvironment: 'node',
  // With globals cleaned up after each file, Temporal's native bridge loses its own: see docs/adr.
  testEnvironmentOptions: { globalsCleanup: 'off' },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Only bounds what never ends; a test that waits for something gives up before, and says for what.
  testTimeout: 180_000,
  // After half a second jest would say that a worker failed to exit, and kill it. None does: after a file's last test nothing
  // is left that keeps one (process.getActiveResourcesInfo() has its pipes alone, and it begins to exit within 40 ms), but
  // the system takes the longer to end a process the more memory that has had, 0.4 s for 1.3 GB on an idle machine.
  workerGracefulExitTimeout: 30_000,
  coverageProvider: 'v8',
};
