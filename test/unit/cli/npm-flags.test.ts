import { expect, test } from 'vitest'
import { refuseSwallowedFlags } from '../../../src/cli/npm-flags.ts'
import { buildProgram } from '../../../src/cli/program.ts'

const program = buildProgram()
const refusing = (kept: Record<string, string>, argv: string[]) => () => {
  const env = Object.entries(kept).map(([name, value]) => [`npm_config_${name}`, value])
  refuseSwallowedFlags(
    program,
    { npm_lifecycle_event: 'enqueue', ...Object.fromEntries(env) },
    argv,
  )
}

test.each([
  [{ set: 'true' }, ['a.csv', 'quality=low'], 'a.csv --set quality=low'],
  [{ set: 'quality=low' }, ['a.csv'], 'a.csv --set quality=low'],
  [{ where: "Type=mug's" }, ['a.csv'], `a.csv --where 'Type=mug'\\''s'`],
  [{ keep_partials: 'true' }, ['a.csv'], 'a.csv --keep-partials'],
  [{ set: 'true', first: 'true' }, ['a.csv', 'quality=low', '5'], 'a.csv --set … --first …'],
  [{ concurrency: 'true' }, ['4'], '4 --concurrency …'],
])('of %j and %j the line that works is made again', (kept, argv, line) => {
  expect(refusing(kept, argv)).toThrow(new RegExp(`npm run enqueue -- ${escaped(line)}$`))
})

test('what npm has for itself is nothing to complain of', () => {
  expect(refusing({ yes: 'true', force: 'true' }, ['a.csv'])).not.toThrow()
})

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
