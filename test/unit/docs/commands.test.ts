/** Whoever copies a command from the documents must not be told that a flag is unknown. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commands } from '../../../src/cli/program.ts'

const root = new URL('../../../', import.meta.url)
const inDocs = readdirSync(new URL('docs/', root)).map((name) => `docs/${name}`)
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...inDocs].filter(
  (name) => name.endsWith('.md') && existsSync(new URL(name, root)),
)

const flagsOf = new Map(
  commands().map((command) => [
    command.name(),
    new Set([
      '--help',
      ...[command, ...command.commands].flatMap(({ options }) => options.map(({ long }) => long)),
    ]),
  ]),
)
/** npm scripts that are a command with another name. */
flagsOf.set('start', flagsOf.get('run') ?? new Set())

const COMMAND =
  /(?:node dist\/cli\.js|\brenderq|npm run (?:-s )?(?=\w+ -- ))\s*([a-z]+)\b([^`|#\n]*)/g

test.each(documents)('the commands in %s exist, with their flags', (name) => {
  const text = readFileSync(new URL(name, root), 'utf8').replaceAll('\\\n', ' ')
  const unknown = [...text.matchAll(COMMAND)].flatMap(([whole, command = '', rest = '']) => {
    const known = flagsOf.get(command)
    // "renderq" is also a word of sentences; behind "node dist/cli.js" only a command can follow.
    if (known === undefined) return whole.startsWith('node') ? [whole] : []
    return (rest.match(/--[a-z][a-z-]*/g) ?? [])
      .filter((flag) => !known.has(flag))
      .map((flag) => `${command} ${flag}`)
  })
  expect(unknown).toEqual([])
})
