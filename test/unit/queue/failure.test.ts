import { DelayedError, type Job } from 'bullmq'
import { expect, test } from 'vitest'
import { RunPausedError, StorageUnavailableError } from '../../../src/errors.ts'
import { toQueueFailure } from '../../../src/queue/failure.ts'

test.each([new RunPausedError('paused'), new StorageUnavailableError('away')])(
  'however often a row was picked up to no avail, $code costs no attempt',
  async (error) => {
    const delays: number[] = []
    const job = {
      attemptsStarted: 1_000_000,
      moveToDelayed: async (until: number) => void delays.push(until),
    } as Partial<Job> as Job
    const brakes = { rateLimit: async () => {}, stop: async () => {} }

    expect(await toQueueFailure(error, { job, token: 'any', brakes })).toBeInstanceOf(DelayedError)

    expect(delays).toHaveLength(1)
  },
)
