/** The command line as commander sees it: all commands, examples first, strict about unknown options. */
import { Command } from 'commander'
import { cancelCommand } from './cancel.ts'
import { emulatorCommand } from './emulator.ts'
import { enqueueCommand } from './enqueue.ts'
import { pauseCommand } from './pause.ts'
import { resumeCommand } from './resume.ts'
import { retryCommand } from './retry.ts'
import { runCommand } from './run.ts'
import { runsCommand } from './runs.ts'
import { showCommand } from './show.ts'
import { scheduleCommand } from './schedule.ts'
import { schemaCommand } from './schema.ts'
import { statusCommand } from './status.ts'
import { unpauseCommand } from './unpause.ts'
import { validateCommand } from './validate.ts'
import { version } from '../version.ts'
import { whyCommand } from './why.ts'
import { workerCommand } from './worker.ts'

const EXAMPLES = `
Examples
  $ renderq run jobs/demo.csv --emulator  no key, no services: into ./renders-demo
  $ renderq validate catalog.csv          every problem of it, nothing is sent
  $ renderq run catalog.csv               render it here, now
  $ renderq enqueue catalog.csv           hand it to the workers; prints the run id
  $ renderq worker --concurrency 16       take work until stopped
  $ renderq runs                          the latest runs
  $ renderq status --watch                follow the latest one until it is over
`
const USAGE_HINT = '(run with --help for usage)'

export const commands = (): Command[] => [
  runCommand(),
  enqueueCommand(),
  workerCommand(),
  runsCommand(),
  statusCommand(),
  showCommand(),
  whyCommand(),
  pauseCommand(),
  unpauseCommand(),
  cancelCommand(),
  resumeCommand(),
  retryCommand(),
  scheduleCommand(),
  validateCommand(),
  schemaCommand(),
  emulatorCommand(),
]

export function buildProgram(): Command {
  const program = new Command('renderq')
    .description(
      'Renders a manifest of prompts (CSV, JSON or JSON Lines; one row, one call of the OpenAI Images API) ' +
        'into pictures in a folder or a bucket. It spends money on your account, except with --emulator.',
    )
    .version(version())
    .addHelpText('before', EXAMPLES)
    .addHelpText(
      'after',
      '\nExit codes: see docs/errors.md. With npm, put flags behind --: npm run start -- catalog.csv --json',
    )
    .showHelpAfterError(USAGE_HINT)
    .exitOverride()
  for (const command of commands()) {
    program.addCommand(command.exitOverride().showHelpAfterError(USAGE_HINT))
    for (const part of command.commands) part.exitOverride().showHelpAfterError(USAGE_HINT)
  }
  return program
}
