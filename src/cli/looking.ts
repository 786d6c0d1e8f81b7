/** What commands that look at runs or steer them share: their settings, the queue, and how to find a run. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { openLogger } from '../logger.ts'
import { openQueue } from '../queue/open-queue.ts'
import type { Queue } from '../queue/queue.ts'
import type { FindOptions } from '../report/find-run.ts'

/** Joins the queue for a moment, to look or to steer, never to work. */
export function openForLooking(config: Config, command: string): Promise<Queue> {
  const logger = openLogger(config.logLevel)
  return openQueue(config.queue, {
    command,
    works: false,
    onTrouble: (message) => logger.warn(message),
  })
}

export function findingIn(queue: Queue, config: Config): FindOptions {
  return { queue, storage: config.storage, hint: emulatorHint(config) }
}

/** Runs of `--emulator` have a queue of their own, so that they never meet real ones. */
function emulatorHint({ queue, stateDir, isSet }: Config): string | undefined {
  const itsState = join(stateDir, 'emulator')
  if (queue.backend !== 'embedded' || !existsSync(join(itsState, 'queue'))) return undefined
  const shown = isSet('stateDir') ? itsState : join('.renderq', 'emulator')
  return `runs with --emulator are kept apart: add --state-dir ${shown} --storage-url file:./renders-demo`
}
