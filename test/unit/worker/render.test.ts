/** The moments in a row's life that a whole pipeline can't be made to hit: races, outages, lost books. */
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config.ts'
import { startEmulator, type Emulator } from '../../../src/emulator/server.ts'
import {
  ApiUnavailableError,
  InterruptedError,
  JobInvalidError,
  LedgerUnavailableError,
  OtherStoreError,
  OutcomeUnknownError,
  RunPausedError,
  StorageUnavailableError,
  SupersededError,
} from '../../../src/errors.ts'
import { openImagesApi } from '../../../src/images-api/client.ts'
import type { ImagesApi } from '../../../src/images-api/contract.ts'
import type { RenderJob } from '../../../src/job.ts'
import { openLogger } from '../../../src/logger.ts'
import type { Delivery } from '../../../src/queue/queue.ts'
import type { EarlierAttempt } from '../../../src/row-result.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { openDownloader } from '../../../src/worker/download.ts'
import { recordsIn } from '../../../src/worker/records.ts'
import { renderDelivery, type RenderTools } from '../../../src/worker/render.ts'
import { openSpool } from '../../../src/worker/spool.ts'
import { expectTrueRecords } from '../../helpers/invariants.ts'
import { entryFor, FIRST_DELIVERY, jobFor, newRun } from '../../helpers/jobs.ts'
import { allRecords } from '../../helpers/pipeline.ts'
import { embeddedSettings, queueForTests } from '../../helpers/queues.ts'
import { tempDir } from '../../helpers/temp.ts'
import { until } from '../../helpers/until.ts'

const queue = queueForTests(embeddedSettings)
let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator()
})
afterAll(() => emulator[Symbol.asyncDispose]())

const LAST: Delivery = { ...FIRST_DELIVERY, attempt: 5, isLastAttempt: true }

async function openWorkshop() {
  const dir = await tempDir()
  const store = await openStore({ kind: 'folder', dir: dir.join('renders') })
  const api = openImagesApi({
    apiKey: new Secret('any'),
    baseUrl: emulator.baseUrl,
    requestTimeoutMs: 10_000,
    imageBytesMax: 1e8,
  })
  const tools: RenderTools = {
    api,
    store,
    downloader: openDownloader({ allowPrivate: false, timeoutMs: 1_000 }),
    records: recordsIn(store),
    spool: await openSpool(dir.join('spool')),
    ledger: queue().ledger,
    logger: openLogger('silent'),
    imageBytesMax: 1e8,
    storeRetryMs: 0,
    ledgerRetryMs: 0,
  }
  const callsBefore = emulator.stats().calls
  return {
    tools,
    store,
    calls: () => emulator.stats().calls - callsBefore,
    withStore: (changes: Partial<Store>): RenderTools => {
      const changed: Store = {
        url: store.url,
        put: (...args) => store.put(...args),
        get: (...args) => store.get(...args),
        head: (key) => store.head(key),
        list: (prefix) => store.list(prefix),
        probe: () => store.probe(),
        locationOf: (key) => store.locationOf(key),
        [Symbol.asyncDispose]: async () => {},
        ...changes,
      }
      return { ...tools, store: changed, records: recordsIn(changed) }
    },
    /** A row of a run of its own, entered at `enteredAt`. */
    async enter(
      changes: Partial<RenderJob> = {},
      enteredAt = 1_700_000_000_000,
    ): Promise<RenderJob> {
      const run = newRun()
      await queue().ledger.openRun(entryFor(run, 1, { store: store.url, enteredAt }))
      return jobFor(run, 0, {
        id: 'mug',
        key: 'catalog/mug',
        request: request('a mug'),
        ...changes,
      })
    },
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await tools.downloader[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

const request = (prompt: string) => ({ model: 'gpt-image-2', n: 1, prompt, quality: 'low' })
const booksOf = ({ run }: RenderJob) => queue().ledger.books(run)

describe('two runs that hold the same row', () => {
  test('a record written between the look-up and the claim is found, and the call is taken back', async () => {
    await using shop = await openWorkshop()
    const [job, twin] = [await shop.enter(), await shop.enter()]
    let isFirstLook = true
    const racing = shop.withStore({
      async head(key) {
        if (isFirstLook) {
          isFirstLook = false
          await renderDelivery(twin, FIRST_DELIVERY, shop.tools)
          return undefined
        }
        return shop.store.head(key)
      },
    })

    await renderDelivery(job, FIRST_DELIVERY, racing)

    expect(shop.calls()).toBe(1)
    expect(await booksOf(twin)).toMatchObject({ calls: 1, outcomes: { succeeded: 1 } })
    expect(await booksOf(job)).toMatchObject({ calls: 0, unknownCalls: 0, outcomes: { reused: 1 } })
  })

  test('the version of the later run stands, however late the earlier one comes', async () => {
    await using shop = await openWorkshop()
    const early = await shop.enter({}, 1_700_000_000_000)
    const late = await shop.enter({ request: request('a red mug') }, 1_700_000_999_999)
    await renderDelivery(late, FIRST_DELIVERY, shop.tools)

    await expect(renderDelivery(early, FIRST_DELIVERY, shop.tools)).rejects.toThrow(SupersededError)

    expect(shop.calls()).toBe(1)
    expect(await booksOf(early)).toMatchObject({ calls: 0, outcomes: { failed: 1 } })
    const records = await allRecords(shop.store)
    expect(records.get('mug')?.run).toBe(late.run)
    await expectTrueRecords(shop.store, records.values())
  })
})

test('a try that failed is remembered for the row, one that had only to wait is not', async () => {
  await using shop = await openWorkshop()
  const job = await shop.enter({ request: { ...request('a mug'), model: 'dall-e-9' } })
  const earlier = { ...NOTED, startedAt: 1 }
  const noted: EarlierAttempt[] = []
  const delivery: Delivery = {
    ...FIRST_DELIVERY,
    earlierAttempts: [earlier],
    remember: async (attempt) => void noted.push(attempt),
  }
  const unreachable: ImagesApi = {
    ...shop.tools.api,
    send: () => {
      throw new ApiUnavailableError('gone', { callFate: 'not-sent' })
    },
  }
  const full = shop.withStore({
    head: async () => {
      throw new StorageUnavailableError('away')
    },
  })

  await expect(renderDelivery(job, delivery, full)).rejects.toThrow('away')
  await expect(renderDelivery(job, delivery, { ...shop.tools, api: unreachable })).rejects.toThrow(
    'gone',
  )
  await renderDelivery(job, delivery, shop.tools).catch(() => {})

  expect(noted).toMatchObject([{ errorCode: 'api_unavailable', error: 'gone', call: 'not-sent' }])
  const [result] = await queue().ledger.uncollected(job.run, 1)
  expect(result).toMatchObject({ outcome: 'failed', earlierAttempts: [earlier] })
})

const NOTED = {
  startedAt: 0,
  elapsedMs: 1,
  call: 'unpaid',
  errorCode: 'api_unavailable',
  error: 'once more',
  requestId: 'req_1',
} as const

describe('when the store is away', () => {
  test('after the call: the answer waits in the spool, costs no attempt, and is not bought again', async () => {
    await using shop = await openWorkshop()
    const job = await shop.enter()
    const broken = shop.withStore({
      put: async () => {
        throw new StorageUnavailableError('away')
      },
    })

    await expect(renderDelivery(job, LAST, broken)).rejects.toThrow(StorageUnavailableError)
    expect(await booksOf(job)).toMatchObject({ settled: 0, calls: 1, unknownCalls: 0 })
    await renderDelivery(job, LAST, shop.tools)

    expect(shop.calls()).toBe(1)
    expect(await booksOf(job)).toMatchObject({
      calls: 1,
      unknownCalls: 0,
      outcomes: { succeeded: 1 },
    })
    await expectTrueRecords(shop.store, (await allRecords(shop.store)).values())
  })

  test('an answer that the disk has spoiled meanwhile is dropped, and bought again', async () => {
    await using shop = await openWorkshop()
    const job = await shop.enter()
    const broken = shop.withStore({
      put: async () => {
        throw new StorageUnavailableError('away')
      },
    })
    await expect(renderDelivery(job, FIRST_DELIVERY, broken)).rejects.toThrow(
      StorageUnavailableError,
    )
    const spooled = await shop.tools.spool.find(job.fingerprint, shop.store.url)
    const { file } = spooled!.pictures[0]!
    await writeFile(file, (await readFile(file)).toReversed())

    await expect(renderDelivery(job, FIRST_DELIVERY, shop.tools)).rejects.toMatchObject({
      code: 'response_broken',
      advice: { retry: 'unknown' },
    })
    expect((await allRecords(shop.store)).size).toBe(0)
    await renderDelivery(job, LAST, shop.tools)

    expect(shop.calls()).toBe(2)
    expect(await booksOf(job)).toMatchObject({
      calls: 2,
      unknownCalls: 0,
      outcomes: { succeeded: 1 },
    })
    await expectTrueRecords(shop.store, (await allRecords(shop.store)).values())
  })

  test('before the call: nothing is sent and the row does not fail, even on its last attempt', async () => {
    await using shop = await openWorkshop()
    const job = await shop.enter()
    const broken = shop.withStore({
      get: async () => {
        throw new StorageUnavailableError('away')
      },
    })

    await expect(renderDelivery(job, LAST, broken)).rejects.toMatchObject({
      advice: { retry: 'later' },
    })

    expect(shop.calls()).toBe(0)
    expect(await booksOf(job)).toMatchObject({ settled: 0, calls: 0 })
  })
})

test('a row of a paused run asks nothing of the store; its answer in the spool is stored', async () => {
  await using shop = await openWorkshop()
  const [waiting, answered] = [await shop.enter(), await shop.enter({ request: request('a cup') })]
  const broken = shop.withStore({
    put: async () => {
      throw new StorageUnavailableError('away')
    },
  })
  await expect(renderDelivery(answered, FIRST_DELIVERY, broken)).rejects.toThrow('away')
  for (const { run } of [waiting, answered]) await queue().ledger.steer(run, 'pause')
  const lookUps: string[] = []
  const watched = shop.withStore({
    async get(key, options) {
      lookUps.push(key)
      return shop.store.get(key, options)
    },
    async head(key) {
      lookUps.push(key)
      return shop.store.head(key)
    },
  })

  await expect(renderDelivery(waiting, LAST, watched)).rejects.toThrow(RunPausedError)
  expect(lookUps).toEqual([])
  await renderDelivery(answered, LAST, watched)

  expect(shop.calls()).toBe(1)
  expect(await booksOf(answered)).toMatchObject({ state: 'paused', outcomes: { succeeded: 1 } })
})

test('of a cancelled run, a paid answer waits for the worker whose spool it is in, and is stored', async () => {
  await using shop = await openWorkshop()
  await using otherMachine = await tempDir()
  const job = await shop.enter()
  const broken = shop.withStore({
    put: async () => {
      throw new StorageUnavailableError('away')
    },
  })
  await expect(renderDelivery(job, FIRST_DELIVERY, broken)).rejects.toThrow('away')
  await queue().ledger.steer(job.run, 'cancel')
  expect(await queue().ledger.rowsInFlight(job.run)).toEqual({ calling: [], answered: [0] })

  const elsewhere = { ...shop.tools, spool: await openSpool(otherMachine.path) }
  await expect(renderDelivery(job, FIRST_DELIVERY, elsewhere)).rejects.toThrow(RunPausedError)
  await renderDelivery(job, FIRST_DELIVERY, shop.tools)

  expect(await queue().ledger.rowsInFlight(job.run)).toEqual({ calling: [], answered: [] })
  const books = await booksOf(job)
  expect(books).toMatchObject({ calls: 1, unknownCalls: 0, outcomes: { succeeded: 1 } })
  expect((await allRecords(shop.store)).size).toBe(1)
})

test.each([
  {
    error: new ApiUnavailableError('gone', { callFate: 'not-sent' }),
    calls: 0,
    unknownCalls: 0,
  },
  { error: new ApiUnavailableError('gone', { callFate: 'unpaid' }), calls: 1, unknownCalls: 0 },
  { error: new OutcomeUnknownError('gone'), calls: 1, unknownCalls: 1 },
])(
  'a row and the books of its run count calls alike: $error.callFate',
  async ({ error, ...counts }) => {
    await using shop = await openWorkshop()
    const job = await shop.enter()
    const failing: ImagesApi = {
      ...shop.tools.api,
      send: () => {
        throw error
      },
    }

    await expect(renderDelivery(job, LAST, { ...shop.tools, api: failing })).rejects.toThrow('gone')

    expect(await queue().ledger.uncollected(job.run, 1)).toMatchObject([counts])
    expect(await booksOf(job)).toMatchObject(counts)
  },
)

describe('when a worker dies', () => {
  test('between picture and record, whose answer is out of reach: the call is in the books and in the record', async () => {
    await using shop = await openWorkshop()
    await using otherMachine = await tempDir()
    const job = await shop.enter()
    let isDead = false
    const dying = shop.withStore({
      put(key, ...rest) {
        if (!key.startsWith('_records/')) return shop.store.put(key, ...rest)
        isDead = true
        return new Promise<never>(() => {})
      },
    })
    void renderDelivery(job, FIRST_DELIVERY, dying)
    await until(() => isDead)

    await renderDelivery(job, FIRST_DELIVERY, {
      ...shop.tools,
      spool: await openSpool(otherMachine.path),
    })

    const paid = { calls: 1, unknownCalls: 1 }
    expect(shop.calls()).toBe(1)
    expect(await booksOf(job)).toMatchObject({ ...paid, outcomes: { succeeded: 1 } })
    expect(await queue().ledger.uncollected(job.run, 1)).toMatchObject([paid])
    expect((await allRecords(shop.store)).get('mug')).toMatchObject(paid)
  })

  test('and another one too, whose call is lost: the answer of the first counts both calls', async () => {
    await using shop = await openWorkshop()
    await using otherMachine = await tempDir()
    const job = await shop.enter()
    let deaths = 0
    const dying = shop.withStore({
      put() {
        deaths += 1
        return new Promise<never>(() => {})
      },
    })
    void renderDelivery(job, FIRST_DELIVERY, dying)
    await until(() => deaths === 1)
    void renderDelivery(job, FIRST_DELIVERY, {
      ...dying,
      spool: await openSpool(otherMachine.path),
    })
    await until(() => deaths === 2)

    await renderDelivery(job, FIRST_DELIVERY, shop.tools)

    const paid = { calls: 2, unknownCalls: 1 }
    expect(shop.calls()).toBe(2)
    expect(await booksOf(job)).toMatchObject({ ...paid, outcomes: { succeeded: 1 } })
    expect(await queue().ledger.uncollected(job.run, 1)).toMatchObject([paid])
    expect((await allRecords(shop.store)).get('mug')).toMatchObject(paid)
  })
})

describe('when the ledger does not answer', () => {
  test('a row that is stored never ends as failed; the next delivery settles it', async () => {
    await using shop = await openWorkshop()
    const job = await shop.enter()
    const { ledger } = shop.tools
    const deaf = Object.assign(Object.create(ledger) as typeof ledger, {
      books: ledger.books.bind(ledger),
      begin: ledger.begin.bind(ledger),
      release: ledger.release.bind(ledger),
      settle: async () => {
        throw new Error('connection lost')
      },
    })

    const delivery = renderDelivery(job, LAST, { ...shop.tools, ledger: deaf })
    await expect(delivery).rejects.toThrow(LedgerUnavailableError)
    expect(await booksOf(job)).toMatchObject({ settled: 0 })
    await renderDelivery(job, LAST, shop.tools)

    expect(shop.calls()).toBe(1)
    expect(await booksOf(job)).toMatchObject({
      calls: 1,
      unknownCalls: 0,
      outcomes: { succeeded: 1 },
    })
  })
})

test('stopping while inputs load costs nothing, not even the last attempt', async () => {
  await using shop = await openWorkshop()
  const input = { kind: 'url' as const, url: 'https://example.com/mug.png' }
  const job = await shop.enter({ operation: 'edit', images: [input] })
  const stopping = AbortSignal.abort('lock lost')

  const delivery = renderDelivery(job, { ...LAST, stopping }, shop.tools)

  await expect(delivery).rejects.toThrow(InterruptedError)
  expect(shop.calls()).toBe(0)
  expect(await booksOf(job)).toMatchObject({ settled: 0, calls: 0 })
})

test('a row of a run that stores elsewhere is left to a worker with that store', async () => {
  await using shop = await openWorkshop()
  const run = newRun()
  await queue().ledger.openRun(entryFor(run, 1, { store: 's3://another' }))

  const delivery = renderDelivery(jobFor(run, 0), LAST, shop.tools)

  await expect(delivery).rejects.toThrow(OtherStoreError)
  expect(shop.calls()).toBe(0)
})

test.each([
  ['a key outside the store', { key: '../../etc/passwd' }],
  ['a key among the records', { key: '_records/aa' }],
  ['a base URL', { openaiBaseUrl: 'https://evil.example' }],
  ['another version', { version: 2 }],
  ['another prompt than its fingerprint', { request: request('something else') }],
])('a payload with %s is refused and nothing is sent', async (_, changes) => {
  await using shop = await openWorkshop()
  const job = await shop.enter()

  await expect(renderDelivery({ ...job, ...changes }, FIRST_DELIVERY, shop.tools)).rejects.toThrow(
    JobInvalidError,
  )

  expect(shop.calls()).toBe(0)
})
