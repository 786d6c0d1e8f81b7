/** The exports of jobs/, rendered by the commands that docs/shop-exports.md gives. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { RunDocument } from '../../src/run-document.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli } from '../helpers/cli.ts'
import { documentedCommand } from '../helpers/documented-command.ts'
import { allRecords } from '../helpers/pipeline.ts'
import { seedEmbedded } from '../helpers/queues.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'

const JOBS = fileURLToPath(new URL('../../jobs', import.meta.url))

/** A folder with the examples in it, as a newcomer has one. */
async function folderWithJobs(): Promise<TempDir> {
  const dir = await tempDir()
  await cp(JOBS, dir.join('jobs'), { recursive: true })
  seedEmbedded(dir.join('.renderq', 'emulator'))
  return dir
}

async function renderDocumented(dir: TempDir, name: string, env: Record<string, string> = {}) {
  const words = await documentedCommand('docs/shop-exports.md', `jobs/${name}`)
  const finished = await runCli([...words, '--emulator'], { cwd: dir.path, env })
  await using store = await openStore({ kind: 'folder', dir: dir.join('renders-demo') })
  const [run = ''] = /run_[0-9a-z]{10}/.exec(finished.stderr) ?? []
  const bytes = await store.get(`_runs/${run}/run.json`, { bytesMax: 1e6 })
  const document = RunDocument.parse(JSON.parse(String(bytes)))
  return { ...finished, document, records: await allRecords(store) }
}

describe.concurrent('a shop export', () => {
  test.each([
    ['shopify.csv', ['CM-BLUE', 'CM-GREEN', 'LS-L', 'LS-M', 'LS-S']],
    ['woocommerce.csv', ['MUG-BLUE', 'MUG-GREEN', 'SHIRT']],
    ['commercetools.csv', ['CM-100', 'CM-200', 'LS-100', 'LS-200']],
  ])(
    'jobs/%s',
    async (name, ids) => {
      await using dir = await folderWithJobs()

      const { code, stderr, records, document } = await renderDocumented(dir, name)

      expect(stderr).toContain('finished')
      expect(code).toBe(0)
      expect([...records.keys()].toSorted()).toEqual(ids)
      expect(document).toMatchObject({
        rows: ids.length,
        outcomes: { succeeded: ids.length },
        flags: { set: { operation: 'edit' } },
      })
      expect(document.columns.length).toBeGreaterThan(10)
      expect(document.costPlannedUsd).toBeGreaterThan(0)
    },
    60_000,
  )

  test('with URLs for pictures, as real ones have them', async () => {
    await using dir = await folderWithJobs()
    const server = createServer((request, response) => {
      void readFile(dir.join(`jobs${request.url}`)).then((bytes) => response.end(bytes))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const export_ = await readFile(dir.join('jobs/shopify.csv'), 'utf8')
    const withUrls = export_.replaceAll('pictures/', `http://127.0.0.1:${port}/pictures/`)
    await writeFile(dir.join('jobs/shopify.csv'), withUrls)

    const env = { RENDERQ_ALLOW_PRIVATE_URLS: 'true' }
    const { code, records } = await renderDocumented(dir, 'shopify.csv', env)
    server.close()

    expect(code).toBe(0)
    expect(records.size).toBe(5)
  }, 60_000)
})
