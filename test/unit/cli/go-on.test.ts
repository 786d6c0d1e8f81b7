import { expect, test } from 'vitest'
import { nextCommand } from '../../../src/cli/go-on.ts'

test('the next command carries the settings that the last one was given', () => {
  const flags = { queueUrl: undefined, namespace: 'shop', stateDir: '.renderq/emulator' }

  expect(nextCommand(['resume', 'run_0123456789'], flags)).toBe(
    'renderq resume run_0123456789 --state-dir .renderq/emulator --namespace shop',
  )
})

test('it can be pasted into a shell', () => {
  expect(nextCommand(['why', "bob's mug", '--run', 'run_0123456789'], {})).toBe(
    String.raw`renderq why 'bob'\''s mug' --run run_0123456789`,
  )
})

test.each([
  'redis://user:hunter2@queue:6379',
  'redis://:hunter2@queue:6379',
  'postgres://user:hunter2@db/x',
])('it shows no password: %s', (queueUrl) => {
  const text = nextCommand(['runs'], { queueUrl })

  expect(text).toMatch(/^renderq runs --queue-url '?(redis|postgres):\/\/(user)?:\*\*\*@/)
  expect(text).not.toContain('hunter2')
})
