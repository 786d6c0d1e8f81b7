import { expect, test } from 'vitest'
import { nextCommand, programOf, underWay } from '../../../src/cli/go-on.ts'

test('the next command carries the settings that the last one was given', () => {
  const flags = { queueUrl: undefined, namespace: 'shop', stateDir: '.renderq/emulator' }

  expect(nextCommand(['resume', 'run_0123456789'], flags)).toBe(
    'npx renderq resume run_0123456789 --state-dir .renderq/emulator --namespace shop',
  )
})

test('it can be pasted into a shell', () => {
  expect(nextCommand(['why', "bob's mug", '--run', 'run_0123456789'], {})).toBe(
    String.raw`npx renderq why 'bob'\''s mug' --run run_0123456789`,
  )
})

test.each([
  'redis://user:hunter2@queue:6379',
  'redis://:hunter2@queue:6379',
  'postgres://user:hunter2@db/x',
])('it shows no password: %s', (queueUrl) => {
  const text = nextCommand(['runs'], { queueUrl })

  expect(text).toMatch(/^npx renderq runs --queue-url '?(redis|postgres):\/\/(user)?:\*\*\*@/)
  expect(text).not.toContain('hunter2')
})

test('work that is under way already goes on, or waits for the command that is named', () => {
  const flags = { namespace: 'shop' }

  expect(underWay('run_0123456789', 'running', flags)).toMatch(/: run_0123456789 goes on$/)
  expect(underWay('run_0123456789', 'paused', flags)).toBe(
    'the same work is under way already, but paused: go on with  npx renderq unpause run_0123456789 --namespace shop',
  )
})

test.each([
  ['/usr/local/bin/renderq', 'renderq'],
  ['/shop/node_modules/.bin/renderq', 'npx renderq'],
  ['/shop/renderq/dist/cli.js', 'npx renderq'],
])('started as %s, commands are named %s', (started, program) => {
  expect(programOf(started)).toBe(program)
})
