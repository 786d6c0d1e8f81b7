import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/global-setup.ts', 'test/helpers/embedded-seed.ts'],
    testTimeout: 20_000,
    // Much of a test's time is waiting for processes and sockets, so three files at once suit two cores.
    maxWorkers: 3,
    // For the few suites that start whole commands and mostly wait for them.
    maxConcurrency: 3,
  },
})
