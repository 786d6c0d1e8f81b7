/** `--check-inputs`: a row whose record stands, and whose input picture may have changed behind its URL. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../../src/config.ts'
import { startEmulator, type Emulator } from '../../../src/emulator/server.ts'
import { InputUnavailableError, StorageUnavailableError } from '../../../src/errors.ts'
import { openImagesApi } from '../../../src/images-api/client.ts'
import type { RenderJob } from '../../../src/job.ts'
import { openLogger } from '../../../src/logger.ts'
import type { RenderRecord } from '../../../src/record.ts'
import { FolderStore } from '../../../src/storage/folder.ts'
import type { Downloader } from '../../../src/worker/download.ts'
import { InputCache } from '../../../src/worker/input-cache.ts'
import { recordsIn } from '../../../src/worker/records.ts'
import { renderDelivery, type RenderTools } from '../../../src/worker/render.ts'
import { openSpool } from '../../../src/worker/spool.ts'
import { expectTrueRecords } from '../../helpers/invariants.ts'
import { entryFor, FIRST_DELIVERY, jobFor, newRun } from '../../helpers/jobs.ts'
import { allRecords } from '../../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../../helpers/queues.ts'
import { tempDir } from '../../helpers/temp.ts'
import { plainPng } from '../emulator/requests.ts'

const queue = queueForTests(anySettings)
let emulator: Emulator
let photos: { before: Buffer; after: Buffer }
beforeAll(async () => {
  emulator = await startEmulator()
  photos = { before: await plainPng(16, 16), after: await plainPng(16, 32) }
})
afterAll(() => emulator[Symbol.asyncDispose]())

const PHOTO = { kind: 'url', url: 'https://shop.example/mug.png' } as const
const CHECKED = { checkInputs: true } as const

/** A shop whose one photo, `photo.bytes`, can be changed. A row of it has been rendered once, by `tools` as they were made. */
async function openShop(made: (tools: RenderTools) => RenderTools = (tools) => tools) {
  const dir = await tempDir()
  const openStore = () => new FolderStore(dir.join('renders'))
  const photo: { bytes: Buffer | undefined; fetches: number } = { bytes: photos.before, fetches: 0 }
  const downloader: Downloader = {
    async download(_, { sink }) {
      photo.fetches += 1
      if (photo.bytes === undefined) throw new InputUnavailableError('503')
      await sink(photo.bytes)
      return { byteCount: photo.bytes.length, contentType: undefined }
    },
    [Symbol.asyncDispose]: async () => {},
  }
  const api = openImagesApi({
    apiKey: new Secret('any'),
    baseUrl: emulator.baseUrl,
    requestTimeoutMs: 10_000,
    imageBytesMax: 1e8,
  })
  onTestFinished(async () => {
    await api[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })
  const store = openStore()
  const tools: RenderTools = {
    api,
    store,
    downloader,
    inputCache: new InputCache(),
    records: recordsIn(store),
    spool: await openSpool(dir.join('spool')),
    ledger: queue().ledger,
    logger: openLogger('silent'),
    imageBytesMax: 1e8,
    storeRetryMs: 0,
    ledgerRetryMs: 0,
  }
  async function enter(changes: Partial<RenderJob> = {}): Promise<RenderJob> {
    const run = newRun()
    await queue().ledger.openRun(entryFor(run, 1, { store: store.url }))
    return jobFor(run, 0, {
      id: 'mug',
      key: 'catalog/mug',
      operation: 'edit',
      request: { model: 'gpt-image-2', n: 1, prompt: 'on oak', quality: 'low' },
      images: [PHOTO],
      ...changes,
    })
  }
  async function render(job: RenderJob, { delivery = FIRST_DELIVERY, using = tools } = {}) {
    const before = { calls: emulator.stats().calls, fetches: photo.fetches }
    await renderDelivery(job, delivery, using)
    return {
      calls: emulator.stats().calls - before.calls,
      fetches: photo.fetches - before.fetches,
      result: await resultOf(job),
    }
  }
  await render(await enter(), { using: made(tools) })
  return { tools, openStore, photo, enter, render, record: () => recordIn(store) }
}

const resultOf = async ({ run }: RenderJob) => (await queue().ledger.uncollected(run, 1))[0]

async function recordIn(store: FolderStore): Promise<RenderRecord> {
  const records = await allRecords(store)
  await expectTrueRecords(store, records.values())
  return records.get('mug')!
}

test('without it a URL stands for itself, and is not fetched', async () => {
  const { photo, enter, render } = await openShop()
  photo.bytes = photos.after

  expect(await render(await enter())).toMatchObject({
    calls: 0,
    fetches: 0,
    result: { outcome: 'reused', reason: 'unchanged' },
  })
})

test('the same bytes are reused; other ones are rendered, and the record says what it replaced', async () => {
  const { openStore, photo, enter, render, record } = await openShop()
  const before = await record()
  const unchanged = { outcome: 'reused', reason: 'unchanged' }

  expect(await render(await enter(CHECKED))).toMatchObject({
    calls: 0,
    fetches: 1,
    result: unchanged,
  })
  photo.bytes = photos.after
  const job = await enter(CHECKED)
  expect(await render(job)).toMatchObject({
    calls: 1,
    fetches: 1,
    result: { outcome: 'succeeded', reason: 'input-changed', keys: ['catalog/mug.png'] },
  })
  const after = await record()

  expect(after).toMatchObject({ run: job.run, fingerprint: before.fingerprint })
  const head = await openStore().head('catalog/mug.png')
  expect(head?.metadata).toMatchObject({ run: job.run })
  expect(after.inputs[0]!.sha256).not.toBe(before.inputs[0]!.sha256)
  expect(after.previous).toEqual({
    run: before.run,
    at: before.timings.finishedAt,
    inputs: before.inputs,
    mask: null,
    markup: null,
  })
  // What has been rendered is known from then on.
  expect(await render(await enter(CHECKED))).toMatchObject({ calls: 0, result: unchanged })
})

test('what the run itself has rendered is not looked at again', async () => {
  const { tools, photo, enter, render, record } = await openShop()
  photo.bytes = photos.after
  const job = await enter(CHECKED)
  await render(job)
  photo.bytes = photos.before

  const again = await render(job, { using: { ...tools, inputCache: new InputCache() } })

  expect(again).toMatchObject({ calls: 0, fetches: 0 })
  expect((await record()).run).toBe(job.run)
})

test('of two runs that find the same change, one pays', async () => {
  const { tools, openStore, photo, enter, render, record } = await openShop()
  photo.bytes = photos.after
  const [job, twin] = [await enter(CHECKED), await enter(CHECKED)]
  const racing = openStore()
  const head = racing.head.bind(racing)
  // Between the look-up of the one and its claim comes the other.
  racing.head = async (key) => {
    racing.head = head
    await render(twin)
    return head(key)
  }

  const { calls, result } = await render(job, { using: { ...tools, store: racing } })

  expect(calls).toBe(1)
  expect(result).toMatchObject({ outcome: 'reused', reason: 'unchanged' })
  expect(await resultOf(twin)).toMatchObject({ outcome: 'succeeded', reason: 'input-changed' })
  expect((await record()).run).toBe(twin.run)
})

test('a paid answer that waits for the store decides, whatever the URL gives by then', async () => {
  const { tools, openStore, photo, enter, render, record } = await openShop()
  photo.bytes = photos.after
  const job = await enter(CHECKED)
  const away = openStore()
  away.put = () => Promise.reject(new StorageUnavailableError('away'))
  await expect(render(job, { using: { ...tools, store: away } })).rejects.toThrow('away')
  photo.bytes = undefined

  const stored = await render(job, { using: { ...tools, inputCache: new InputCache() } })

  expect(stored).toMatchObject({ calls: 0, fetches: 0, result: { reason: 'input-changed' } })
  expect((await record()).run).toBe(job.run)
})

test('an answer that an earlier run has left behind does not pass for the new picture', async () => {
  const { photo, enter, render, record } = await openShop((tools) => ({
    ...tools,
    spool: { ...tools.spool, remove: async () => {} },
  }))
  photo.bytes = photos.after
  const job = await enter(CHECKED)

  expect(await render(job)).toMatchObject({ calls: 1, result: { reason: 'input-changed' } })
  expect((await record()).run).toBe(job.run)
})

test('a picture that can’t be fetched fails the row as any input does; its record stands', async () => {
  const { photo, enter, render, record } = await openShop()
  const before = await record()
  photo.bytes = undefined
  const job = await enter(CHECKED)

  const rendering = render(job, {
    delivery: { ...FIRST_DELIVERY, attempt: 5, isLastAttempt: true },
  })

  await expect(rendering).rejects.toThrow(InputUnavailableError)
  expect(await resultOf(job)).toMatchObject({ outcome: 'failed', errorCode: 'input_unavailable' })
  expect(await record()).toEqual(before)
})
