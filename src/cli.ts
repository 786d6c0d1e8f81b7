#!/usr/bin/env node
/** The entry: runs one command and turns whatever it throws into a message and an exit code. */
import { CommanderError } from 'commander'
import { printError } from './cli/errors.ts'
import { refuseSwallowedFlags } from './cli/npm-flags.ts'
import { buildProgram } from './cli/program.ts'
import { environment } from './config.ts'
import { EXIT } from './errors.ts'

// A reader that goes away (a closed pipe) must not take paid calls down with it.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

try {
  const program = buildProgram()
  refuseSwallowedFlags(program, environment, process.argv.slice(3))
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof CommanderError)) {
    return printError(error, { asJson: process.argv.includes('--json') })
  }
  // Commander has printed its message already; asking for help or the version is no mistake.
  return error.exitCode === 0 ? EXIT.ok : EXIT.usage
}
