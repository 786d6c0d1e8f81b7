/** Stopping by a signal: what was paid is stored, what was not sent goes back. */
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli, startCli } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords } from '../helpers/pipeline.ts'
import { seedEmbedded } from '../helpers/queues.ts'
import { tempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

test('SIGTERM lets paid calls finish and be stored; the next run pays only for the rest', async () => {
  await using dir = await tempDir()
  seedEmbedded(dir.join('.renderq'))
  await using emulator = await startEmulator({ latencyMs: 800 })
  const rows = Array.from({ length: 12 }, (_, row) => `sku-${row},mug ${row},low\n`)
  await writeFile(dir.join('catalog.csv'), `id,prompt,quality\n${rows.join('')}`)
  const env = { OPENAI_BASE_URL: emulator.baseUrl, OPENAI_API_KEY: 'any' }
  const args = ['run', 'catalog.csv', '--concurrency', '3']

  const stopped = startCli(args, { cwd: dir.path, env })
  await until(() => emulator.stats().calls >= 4, { withinMs: 60_000 })
  stopped.kill('SIGTERM')
  const { code, stderr } = await stopped.finished

  expect(code).toBe(143)
  expect(stderr).toContain('calls already sent are paid for')
  expect(stderr).toContain('run the same command again')
  await using store = await openStore({ kind: 'folder', dir: dir.join('renders') })
  const paid = emulator.stats().paid
  expect((await allRecords(store)).size).toBe(paid)
  expect(paid).toBeLessThan(12)

  const resumed = await runCli([...args, '--json'], { cwd: dir.path, env })

  expect(resumed.code).toBe(0)
  expect(emulator.stats().calls).toBe(12)
  expect(await expectTrueRecords(store, (await allRecords(store)).values())).toBe(12)
}, 90_000)
