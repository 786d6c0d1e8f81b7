/** docs/configuration.md is written by hand, for people; this holds it to the schema and to the commands. */
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadConfig, Settings, type SettingName } from '../../../src/config.ts'
import { commands } from '../../../src/cli/program.ts'

const rows = readRows(new URL('../../../docs/configuration.md', import.meta.url))
const settings = Object.keys(Settings.shape) as SettingName[]

/** Without any .env. */
const NO_FOLDER = join(tmpdir(), 'renderq-no-such-folder')

const EXAMPLES: Partial<Record<SettingName, string>> = {
  openaiApiKey: 'key',
  openaiOrgId: 'org',
  openaiProjectId: 'proj',
  openaiApiVersion: '2025-04-01-preview',
  queueUrl: 'redis://queue',
}

test('every setting has a row, in the order of the schema, and nothing else has', () => {
  expect(rows.map(({ setting }) => setting)).toEqual(settings)
})

describe.each(rows)('of $setting', ({ setting, environment, flag, byDefault, bounds }) => {
  test('the variable sets it', () => {
    const value = EXAMPLES[setting] ?? byDefault ?? ''
    const sources = { cwd: NO_FOLDER, env: { [environment ?? '']: value } }
    expect(loadConfig({}, sources).isSet(setting)).toBe(true)
  })

  test('the flag is one of a command, or there is none', () => {
    expect(flag).toBe(flagsOfCommands().get(setting))
  })

  test('the default and the bounds are those of the schema', () => {
    const { default: value, minimum, maximum } = schemaOf(setting)
    expect(byDefault).toBe(value === undefined ? undefined : String(value))
    expect(bounds).toBe(minimum === undefined ? undefined : `${minimum} to ${maximum}`)
  })
})

interface Row {
  setting: SettingName
  environment?: string
  flag?: string
  byDefault?: string
  bounds?: string
}

/** The rows whose first cell is a name in backticks that looks like a setting; a dash is a cell without content. */
function readRows(file: URL): Row[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines
    .filter((line) => /^\| `[a-z]+[a-zA-Z]*` \|/.test(line))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim().replaceAll('`', ''))
      const [, setting, environment, flag, byDefault, bounds] = cells.map((cell) =>
        cell === '–' ? undefined : cell,
      )
      return { setting, environment, flag, byDefault, bounds } as Row
    })
}

function flagsOfCommands(): Map<string, string> {
  const options = commands().flatMap((command) => command.options)
  return new Map(options.map((option) => [option.attributeName(), option.long ?? '']))
}

interface NumberSchema {
  default?: string | number | boolean
  minimum?: number
  maximum?: number
}

function schemaOf(setting: SettingName): NumberSchema {
  return z.toJSONSchema(Settings.shape[setting], { unrepresentable: 'any' }) as NumberSchema
}
