import { stripVTControlCharacters } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { nextCommand } from '../../../src/cli/go-on.ts'
import { openProgress } from '../../../src/cli/progress.ts'
import { printEnd, type RunEndOptions } from '../../../src/cli/run-end.ts'
import type { RunFlags } from '../../../src/cli/run.ts'
import { stuckness } from '../../../src/cli/stuck.ts'
import { configWithEmulator } from '../../../src/cli/with-emulator.ts'
import type { Ledger, RunBooks } from '../../../src/queue/ledger.ts'
import type { Store } from '../../../src/storage/store.ts'
import { entryFor } from '../../helpers/jobs.ts'

const RUN = 'run_0123456789'
const BOOKS: RunBooks = {
  ...entryFor(RUN, 3),
  state: 'running',
  outcomes: { succeeded: 1, reused: 0, failed: 0, refused: 0, held: 0, cancelled: 0 },
  settled: 1,
  pictures: 1,
  calls: 3,
  unknownCalls: 2,
  costMicroUsd: 5_000,
  resultParts: 0,
}

async function printed(books: Partial<RunBooks>, end: RunEndOptions['end']): Promise<string> {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const ledger = { uncollected: async () => [] } as Partial<Ledger> as Ledger
  const store = {
    locationOf: (key: string) => `/renders/${key}`,
    get: async () => undefined,
  } as Partial<Store> as Store
  const next = (words: readonly string[]) => nextCommand(words, { namespace: 'shop' })
  const options = { end, ledger, store, asJson: true, isEmulated: false, next }
  const write = vi.spyOn(console, 'log').mockImplementation(() => {})
  onTestFinished(() => write.mockRestore())
  await printEnd({ ...BOOKS, ...books }, options)
  return stripVTControlCharacters(print.mock.calls.map(([line]) => line as string).join('\n'))
}

test('the commands that an end prints carry the settings of the run', async () => {
  const finishedAt = BOOKS.enteredAt + 1_000
  const cancelled = await printed({ state: 'cancelled', finishedAt }, { kind: 'finished' })
  const paused = await printed({ state: 'paused' }, { kind: 'stopped', signal: 'SIGINT' })

  expect(cancelled).toContain(`retry     npx renderq retry ${RUN} --namespace shop`)
  expect(paused).toContain(`paused    npx renderq unpause ${RUN} --namespace shop`)
})

test('a call of unknown outcome is one of the calls, and not in the cost', async () => {
  const text = await printed({}, { kind: 'stopped', signal: 'SIGINT' })

  expect(text).toContain('1 picture from 3 calls, 2 of unknown outcome, $0.0050')
  expect(text).toContain('2 calls of unknown outcome may be paid, and are not in that sum')
})

test('so does the one for a paused run', () => {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  onTestFinished(() => write.mockRestore())
  const next = (words: readonly string[]) => nextCommand(words, { stateDir: '.renderq/emulator' })

  const progress = openProgress({ asJson: false, next })
  const counts = { waiting: 2, active: 0, delayed: 0 }
  progress.advanced({ ...BOOKS, state: 'paused' }, { counts, trouble: undefined })
  progress.close()

  expect(write.mock.calls.join('')).toContain(
    `renderq unpause ${RUN} --state-dir .renderq/emulator`,
  )
})

test('a run whose steps fail is told once, again for another cause, and at its end', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  onTestFinished(() => write.mockRestore())
  const progress = openProgress({ asJson: false, next: () => '' })
  const counts = { waiting: 0, active: 0, delayed: 0 }
  const trouble = { message: 'no space left', stepsFailed: 3, since: 0 }
  for (const each of [trouble, { ...trouble, stepsFailed: 4 }, { ...trouble, message: 'other' }]) {
    progress.advanced(BOOKS, { counts, trouble: each })
  }
  const said = stripVTControlCharacters(write.mock.calls.join(''))
  const ended = await printed({}, { kind: 'stuck', trouble })

  expect(said.match(/can't go on: [a-z ]+/g)).toEqual([
    "can't go on: no space left",
    "can't go on: other",
  ])
  expect(ended).toContain(`${RUN} stopped: its steps fail`)
  expect(ended).toContain('no space left\n  1 succeeded, 2 left; ')
  expect(ended).toContain('run the same command again')
})

test('waiting is in vain once steps have failed for a quarter of an hour in which no row ended', () => {
  const minute = 60_000
  const trouble = { message: 'no space left', stepsFailed: 9, since: 10 * minute }
  const isStuck = stuckness()

  expect(isStuck({ settled: 1 }, undefined, 0)).toBe(false)
  expect(isStuck({ settled: 1 }, undefined, 20 * minute)).toBe(false)
  expect(isStuck({ settled: 1 }, trouble, 24 * minute)).toBe(false)
  expect(isStuck({ settled: 2 }, trouble, 24.5 * minute)).toBe(false)
  expect(isStuck({ settled: 2 }, trouble, 39 * minute)).toBe(false)
  expect(isStuck({ settled: 2 }, trouble, 40 * minute)).toBe(true)
})

test('a run with the emulator is found by the settings that it was not given', async () => {
  const flags = { emulator: true, json: false, yes: true, namespace: 'shop' } as RunFlags
  await using emulated = await configWithEmulator(flags)

  expect(nextCommand(['retry', RUN], emulated.carried)).toBe(
    `npx renderq retry ${RUN} --storage-url file:./renders-demo --state-dir .renderq/emulator --namespace shop`,
  )
  await using elsewhere = await configWithEmulator({ ...flags, stateDir: 'state' })
  expect(nextCommand(['retry', RUN], elsewhere.carried)).toContain('--state-dir state')
})
