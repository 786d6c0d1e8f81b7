/** Steering and looking at runs, as a person does it from other terminals while workers work. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import type { RunSummary } from '../../src/report/run-summary.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { runCli, startCli, type Running } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords, jsonLines } from '../helpers/pipeline.ts'
import { services } from '../helpers/services.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

const WITHIN = { withinMs: 60_000, everyMs: 200 }

interface Shop extends AsyncDisposable {
  dir: TempDir
  store: Store
  /** Runs a command to its end. */
  cli(args: readonly string[], env?: Record<string, string>): ReturnType<typeof runCli>
  /** The same, its stdout as JSON. */
  json<T>(args: readonly string[], env?: Record<string, string>): Promise<T>
  start(args: readonly string[], env?: Record<string, string>): Running
}

/** A folder, a namespace of its own on Redis, and the API at `baseUrl`. */
async function openShop(baseUrl: string): Promise<Shop> {
  const dir = await tempDir()
  const store = await openStore({ kind: 'folder', dir: dir.join('renders') })
  const started: Running[] = []
  const env = {
    QUEUE_URL: services.redis ?? '',
    RENDERQ_NAMESPACE: newNamespace(),
    OPENAI_BASE_URL: baseUrl,
    OPENAI_API_KEY: 'sk-any-key-0000000',
    NO_COLOR: '1',
  }
  const optionsWith = (more: Record<string, string>) => ({
    cwd: dir.path,
    env: { ...env, ...more },
  })
  return {
    dir,
    store,
    cli: (args, more = {}) => runCli(args, optionsWith(more)),
    async json<T>(args: readonly string[], more = {}) {
      const { stdout, stderr } = await runCli([...args, '--json'], optionsWith(more))
      expect(stderr).not.toContain('renderq:')
      return JSON.parse(stdout) as T
    },
    start(args, more = {}) {
      const running = startCli(args, optionsWith(more))
      started.push(running)
      return running
    },
    async [Symbol.asyncDispose]() {
      for (const running of started) running.kill('SIGKILL')
      await Promise.all(started.map(({ finished }) => finished))
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

const newNamespace = () => `test_${randomBytes(6).toString('hex')}`

async function writeCatalog({ dir }: Shop, rowCount: number): Promise<void> {
  const rows = Array.from({ length: rowCount }, (_, row) => `sku-${row},mug number ${row},low\n`)
  await writeFile(dir.join('catalog.csv'), `id,prompt,quality\n${rows.join('')}`)
}

async function enqueue({ cli }: Shop): Promise<string> {
  const { stdout, code } = await cli(['enqueue', 'catalog.csv'])
  expect(code).toBe(0)
  return stdout.trim()
}

const summaryOf = async ({ json }: Shop, run: string): Promise<RunSummary> => {
  const { runs } = await json<{ runs: RunSummary[] }>(['runs'])
  return runs.find((summary) => summary.run === run)!
}

describe.skipIf(!services.redis).concurrent('a run under way', () => {
  test('is paused, unpaused and cancelled: what was sent is stored, the rest is not called, retry renders it', async () => {
    // Slow enough that the run is still under way when a command has started on a busy machine.
    await using emulator = await startEmulator({ latencyMs: 1_200 })
    await using shop = await openShop(emulator.baseUrl)
    const { cli, json, store } = shop
    await writeCatalog(shop, 30)
    const run = await enqueue(shop)
    const worker = shop.start(['worker', '--concurrency', '1'])
    await until(() => emulator.stats().calls >= 2, WITHIN)

    const paused = await cli(['pause', run])
    expect(paused).toMatchObject({ code: 0 })
    expect(paused.stdout).toMatch(new RegExp(`^${run} is paused: \\d+ of 30 rows done, \\d+ left`))
    expect(paused.stdout).toContain(`go on     npx renderq unpause ${run}`)
    await until(async () => {
      const again = await json<{ changed: boolean; callsInFlight: number }>(['pause', run])
      return !again.changed && again.callsInFlight === 0
    }, WITHIN)
    const callsAtRest = emulator.stats().calls
    await sleep(1_500)
    expect(emulator.stats().calls).toBe(callsAtRest)
    expect((await allRecords(store)).size).toBe(callsAtRest)

    const unpaused = await cli(['unpause', run])
    expect(unpaused.stdout).toContain(`${run} goes on`)
    await until(() => emulator.stats().calls > callsAtRest, WITHIN)

    const cancelled = await json<{ state: string; callsInFlight: number; goOn: string }>([
      'cancel',
      run,
    ])
    expect(cancelled).toMatchObject({ state: 'cancelled', goOn: `npx renderq retry ${run}` })
    await until(async () => (await summaryOf(shop, run)).finishedAt !== null, WITHIN)
    const { calls, paid } = emulator.stats()
    const summary = await summaryOf(shop, run)
    expect(paid).toBe(calls)
    expect(calls).toBeLessThan(30)
    expect(summary).toMatchObject({
      state: 'cancelled',
      calls,
      unknownCalls: 0,
      left: 0,
      outcomes: { succeeded: calls, cancelled: 30 - calls, failed: 0 },
    })
    expect(await expectTrueRecords(store, (await allRecords(store)).values())).toBe(calls)
    const results = await jsonLines<{ outcome: string }>(store, `_runs/${run}/results.jsonl`)
    expect(results.filter(({ outcome }) => outcome === 'succeeded').length).toBe(calls)
    expect(await json(['show', run])).toMatchObject({ run, state: 'cancelled', left: 0 })

    const last = await cli(['show', `${run}/sku-29`])
    expect(last.stdout).toMatch(
      /sku-29 {3}cancelled\n {2}row 30 of 30 of the run, line 31 of catalog/,
    )
    const why = await cli(['why', 'sku-29'])
    expect(why.stdout).toContain('the run was cancelled before the row was sent')
    const tooLate = await cli(['pause', run])
    expect(tooLate).toMatchObject({ code: 2 })
    expect(tooLate.stderr).toContain('there is nothing to pause')

    const retried = await cli(['retry', run])
    expect(retried.stderr).toContain(`${30 - calls} rows of ${run} queued again`)
    worker.kill('SIGTERM')
    await worker.finished
    shop.start(['worker', '--concurrency', '16'])
    const watched = await cli(['status', retried.stdout.trim(), '--watch'])
    expect(watched.code).toBe(0)
    expect(emulator.stats().calls).toBe(30)
    expect((await allRecords(store)).size).toBe(30)
  }, 120_000)

  test('is followed through a pipe, ends with 3 for a failed row, and each row can be shown', async () => {
    await using emulator = await startEmulator({
      latencyMs: 300,
      faults: [
        {
          match: { promptIncludes: 'number 3' },
          fault: { kind: 'moderation' },
        },
      ],
    })
    await using shop = await openShop(emulator.baseUrl)
    const { cli, json } = shop
    await writeCatalog(shop, 8)
    const run = await enqueue(shop)
    const watching = shop.start(['status', '--watch'])
    await until(() => watching.stdout.includes(`${run} 0 %`), WITHIN)
    shop.start(['worker', '--concurrency', '2'])

    const watched = await watching.finished

    expect(watched.code).toBe(3)
    expect(watched.stdout).not.toContain('\u001B[0J')
    const lines = watched.stdout.split('\n').filter((line) => line.startsWith(`${run} `))
    expect(new Set(lines).size).toBe(lines.length)
    expect(lines.length).toBeGreaterThan(2)
    expect(watched.stdout).toMatch(/1 content_refused\S* {2}sku-3: /)

    const shown = await cli(['show', `${run}/sku-3`])
    expect(shown.stdout).toMatch(/sku-3 {3}refused/)
    expect(shown.stdout).toMatch(/prompt +mug number 3/)
    expect(shown.stdout).toContain('rewrite the prompt')
    const good = await cli(['show', `${run}/sku-4`])
    expect(good.stdout).toContain(shop.dir.join('renders', 'catalog', 'sku-4.png'))
    expect(good.stdout).toMatch(/attempts +1, with 1 call/)
    expect(good.stdout).toMatch(/request id +req_/)
    expect(await json(['show', `${run}/sku-4`])).toMatchObject({
      outcome: 'succeeded',
      record: { requestId: expect.stringMatching(/^req_/), costUsd: expect.any(Number) },
      pictures: [{ key: 'catalog/sku-4.png' }],
    })
    const misspelt = await cli(['show', `${run}/sku-44`])
    expect(misspelt.code).toBe(2)
    expect(misspelt.stderr).toMatch(/has no row "sku-44": did you mean sku-\d\?/)
    const unknown = await cli(['show', `${run.slice(0, -1)}!`])
    expect(unknown.stderr).toContain(`did you mean ${run}?`)
  }, 90_000)

  test('that the queue has lost is read from the store and resumed from it', async () => {
    await using emulator = await startEmulator({ latencyMs: 300 })
    await using shop = await openShop(emulator.baseUrl)
    const { cli } = shop
    await writeCatalog(shop, 16)
    const run = await enqueue(shop)
    const worker = shop.start(['worker', '--concurrency', '2'])
    await until(() => emulator.stats().answered >= 3, WITHIN)
    worker.kill('SIGTERM')
    await worker.finished
    // Another namespace is a queue that has lost everything.
    const lost = { RENDERQ_NAMESPACE: newNamespace() }

    const listed = await cli(['runs'], lost)
    expect(listed.stdout).toContain(run)
    const status = await cli(['status', run], lost)
    expect(status).toMatchObject({ code: 0 })
    expect(status.stdout).toContain(`the queue knows nothing of ${run} any more`)
    expect(status.stdout).toContain(`renderq resume ${run}`)
    const paused = await cli(['pause', run], lost)
    expect(paused).toMatchObject({ code: 2 })
    expect(paused.stderr).toContain(`renderq resume ${run}`)

    const resumed = await cli(['resume', run], lost)
    expect(resumed.stdout).toContain(`${run} goes on, rebuilt from the store`)
    shop.start(['worker', '--concurrency', '2'], lost)
    const watched = await cli(['status', run, '--watch'], lost)

    expect(watched.code).toBe(0)
    expect(emulator.stats().calls).toBe(16)
    const over = await cli(['resume', run], lost)
    expect(over.stdout).toContain('there is nothing to go on with')
  }, 90_000)

  test('whose key is refused says so in status, with the command that goes on', async () => {
    await using emulator = await startEmulator({ apiKey: 'sk-right-key-0000000' })
    await using shop = await openShop(emulator.baseUrl)
    const { cli } = shop
    await writeCatalog(shop, 3)

    const stopped = await cli(['run', 'catalog.csv', '--concurrency', '1'])

    expect(stopped.code).toBe(6)
    expect(stopped.stderr).toContain('run the same command again, stored rows are not called again')
    expect(stopped.stderr).toContain('renderq run catalog.csv --concurrency 1')
    const { stdout } = await cli(['status'])
    expect(stdout).toContain('everyone is stopped: ')
    expect(stdout).toMatch(/at once with {2}npx renderq resume run_\w+/)
  }, 60_000)

  test('why says which run a reused row came from, and what changed in one that was rendered again', async () => {
    await using emulator = await startEmulator({ latencyMs: 0 })
    await using shop = await openShop(emulator.baseUrl)
    const { cli, dir } = shop
    const render = async (mug: string) => {
      const rows = `id,prompt,size\nmug,A ${mug} mug on oak,1024x1024\ncup,A cup,1024x1024\n`
      await writeFile(dir.join('shop.csv'), rows)
      const { stdout, code } = await cli(['run', 'shop.csv', '--json'])
      expect(code).toBe(0)
      return (JSON.parse(stdout.trim().split('\n').at(-1)!) as RunSummary).run
    }
    const why = async (...args: string[]) => (await cli(['why', ...args])).stdout
    const first = await render('red')
    const second = await render('blue')

    expect(await why('mug', '--run', first)).toContain('since then, on ')
    expect(await why('mug')).toMatch(
      new RegExp(
        `^${second}/mug\\n {2}rendered: .* it replaced the version that ${first} had rendered on .*UTC\\n` +
          ' {2}what differed:\\n {4}prompt\\n {6}- A red mug on oak\\n {6}\\+ A blue mug on oak\\n$',
      ),
    )
    expect(await why('cup')).toContain(`reused: its pictures are there, rendered by ${first} on `)
    expect(await why('cup', '--run', first)).toContain('nothing was stored at its place')

    const third = await render('red')
    expect(await why('mug')).toContain(`it replaced the version that ${second} had rendered`)
    expect(await why('mug', '--json')).toContain(`"run":"${third}"`)
    const nobody = await cli(['why', 'jug'])
    expect(nobody).toMatchObject({ code: 2 })
    expect(nobody.stderr).toContain('no row "jug"')
  }, 60_000)
})
