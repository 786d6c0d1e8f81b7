import { defineConfig } from 'vitest/config'

/** Files that replace a module for themselves: nobody else may have loaded it, or find it replaced. */
const ISOLATED = 'test/**/*.isolated.test.ts'

const COMMON = {
  testTimeout: 20_000,
  // For the few suites that start whole commands and mostly wait for them.
  maxConcurrency: 3,
}

export default defineConfig({
  test: {
    globalSetup: ['test/helpers/global-setup.ts', 'test/helpers/embedded-seed.ts'],
    // Much of a test's time is waiting for processes and sockets, so three files at once suit two cores.
    maxWorkers: 3,
    projects: [
      {
        // Loading the same modules anew for each file would take a third of the unit tests' time.
        test: {
          ...COMMON,
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: [ISOLATED],
          isolate: false,
        },
      },
      { test: { ...COMMON, name: 'isolated', include: [ISOLATED] } },
    ],
  },
})
