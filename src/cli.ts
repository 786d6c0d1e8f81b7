#!/usr/bin/env node
/** The entry: registers the commands, runs one, turns whatever it throws into a message and an exit code. */
import { Command, CommanderError } from 'commander'
import { emulatorCommand } from './cli/emulator.ts'
import { enqueueCommand } from './cli/enqueue.ts'
import { printError } from './cli/errors.ts'
import { refuseSwallowedFlags } from './cli/npm-flags.ts'
import { runCommand } from './cli/run.ts'
import { statusCommand } from './cli/status.ts'
import { validateCommand } from './cli/validate.ts'
import { version } from './cli/version.ts'
import { workerCommand } from './cli/worker.ts'
import { environment } from './config.ts'
import { EXIT } from './errors.ts'

const EXAMPLES = `
Examples
  $ renderq run jobs/demo.csv --emulator        no key, no services: twelve rows into ./renders-demo
  $ renderq validate catalog.csv                every problem of the manifest, nothing sent
  $ renderq run catalog.csv                     render it here, now
  $ renderq enqueue catalog.csv                 hand it to the workers; prints the run id
  $ renderq worker --concurrency 16             take work until stopped
  $ renderq status                              the latest runs
`

const program = new Command('renderq')
  .description(
    'Renders a manifest of prompts (CSV, JSON or JSON Lines; one row, one call of the OpenAI Images API)\n' +
      'into pictures in a folder or a bucket. It spends money on your account, except with --emulator.',
  )
  .version(version())
  .addHelpText('beforeAll', EXAMPLES)
  .addHelpText(
    'after',
    '\nExit codes: see docs/errors.md. With npm, put flags behind --: npm run start -- catalog.csv --json',
  )
  .showHelpAfterError('(run with --help for usage)')
  .exitOverride()

for (const command of [
  runCommand(),
  enqueueCommand(),
  workerCommand(),
  statusCommand(),
  validateCommand(),
  emulatorCommand(),
]) {
  program.addCommand(command.exitOverride().showHelpAfterError('(run with --help for usage)'))
}

try {
  refuseSwallowedFlags(program, environment)
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode =
    error instanceof CommanderError
      ? error.exitCode === 0
        ? EXIT.ok
        : EXIT.usage
      : printError(error, { asJson: process.argv.includes('--json') })
}
