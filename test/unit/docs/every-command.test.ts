/** Whoever finds a command or a flag in --help must find it in the documents too. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { commands } from '../../../src/cli/program.ts'

const docs = new URL('../../../docs/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, docs), 'utf8')
const commandsPage = read('commands.md')
const allPages = readdirSync(docs)
  .filter((name) => name.endsWith('.md'))
  .map(read)
  .join('\n')

const flagsOf = (command: Command): string[] =>
  [command, ...command.commands].flatMap(({ options }) => options.map(({ long }) => long ?? ''))

test.each(commands().map((command) => [command.name(), command] as const))(
  'docs/commands.md has a section on %s, and the documents name its flags',
  (name, command) => {
    expect(commandsPage).toContain(`\n## ${name}\n`)
    expect(flagsOf(command).length).toBeGreaterThan(0)
    expect(flagsOf(command).filter((flag) => !allPages.includes(flag))).toEqual([])
  },
)
