/** Enqueue in one terminal, worker in another, on the embedded queue. */
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEmulator, type Emulator } from '../../src/emulator/server.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli, startCli } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords } from '../helpers/pipeline.ts'
import { seedEmbedded } from '../helpers/queues.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

const ROWS = 6

describe('enqueue and worker on one folder', () => {
  let emulator: Emulator
  beforeAll(async () => {
    emulator = await startEmulator()
  })
  afterAll(() => emulator[Symbol.asyncDispose]())

  async function folder() {
    const dir = await tempDir()
    seedEmbedded(dir.join('.renderq'))
    const rows = Array.from(
      { length: ROWS },
      (_, row) => `sku-${row},mug ${row} in ${dir.path},low\n`,
    )
    await writeFile(dir.join('catalog.csv'), `id,prompt,quality\n${rows.join('')}`)
    const env = { OPENAI_BASE_URL: emulator.baseUrl, OPENAI_API_KEY: 'any' }
    return { dir, options: { cwd: dir.path, env } }
  }

  async function expectRendered(dir: TempDir) {
    await using store = await openStore({ kind: 'folder', dir: dir.join('renders') })
    await until(async () => (await allRecords(store)).size === ROWS, {
      withinMs: 30_000,
      everyMs: 100,
    })
    expect(await expectTrueRecords(store, (await allRecords(store)).values())).toBe(ROWS)
  }

  const runIdIn = (stdout: string) => /^run_[0-9a-z]{10}$/.exec(stdout.trim())?.[0]

  test('first enqueue, then the worker', async () => {
    const { dir, options } = await folder()
    await using _ = dir
    const enqueued = await runCli(['enqueue', 'catalog.csv'], options)
    expect(enqueued.code).toBe(0)
    const run = runIdIn(enqueued.stdout)
    expect(run).toBeDefined()

    const worker = startCli(['worker'], options)
    await expectRendered(dir)
    expect((await runCli(['status', run!, '--watch'], options)).code).toBe(0)
    worker.kill('SIGTERM')

    expect((await worker.finished).code).toBe(143)
    const status = await runCli(['status'], options)
    expect(status.stdout).toMatch(new RegExp(`${run}\\s+catalog\\s+finished\\s+${ROWS}\\s+${ROWS}`))
  }, 90_000)

  test('first the worker, then enqueue, which joins it', async () => {
    const { dir, options } = await folder()
    await using _ = dir
    const worker = startCli(['worker'], options)
    await until(() => worker.stderr.includes('worker is ready'), { withinMs: 60_000 })

    const enqueued = await runCli(['enqueue', 'catalog.csv'], options)

    expect(enqueued).toMatchObject({ code: 0 })
    expect(runIdIn(enqueued.stdout)).toBeDefined()
    await expectRendered(dir)
    worker.kill('SIGINT')
    expect((await worker.finished).code).toBe(130)
  }, 90_000)

  test('both at the same time', async () => {
    const { dir, options } = await folder()
    await using _ = dir

    const worker = startCli(['worker'], options)
    const enqueued = await runCli(['enqueue', 'catalog.csv'], options)

    expect(enqueued).toMatchObject({ code: 0 })
    await expectRendered(dir)
    const second = await runCli(['worker'], options)
    expect(second.code).toBe(8)
    expect(second.stderr).toContain(`pid ${worker.process.pid}`)
    worker.kill('SIGTERM')
    await worker.finished
  }, 90_000)
})
