/** All commands with their flags, as the program declares them. */
import type { Command } from 'commander'
import { emulatorCommand } from '../../../src/cli/emulator.ts'
import { enqueueCommand } from '../../../src/cli/enqueue.ts'
import { runCommand } from '../../../src/cli/run.ts'
import { statusCommand } from '../../../src/cli/status.ts'
import { validateCommand } from '../../../src/cli/validate.ts'
import { workerCommand } from '../../../src/cli/worker.ts'

export const commands = (): Command[] => [
  runCommand(),
  enqueueCommand(),
  workerCommand(),
  statusCommand(),
  validateCommand(),
  emulatorCommand(),
]
