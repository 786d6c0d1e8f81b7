import { mkdtempSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { EmbeddedOwnedError } from '../../../src/errors.ts'
import { releaseLock, takeLock } from '../../../src/queue/embedded-lock.ts'
import { openQueue } from '../../../src/queue/open-queue.ts'
import { putsBackWhatWasLost } from '../../conformance/feeding.ts'
import { keepsTheLedgerContract } from '../../conformance/ledger.ts'
import { keepsTheQueueContract } from '../../conformance/queue.ts'
import { entryFor, jobFor, newRun } from '../../helpers/jobs.ts'
import { embeddedSettings, queueForTests } from '../../helpers/queues.ts'
import { until } from '../../helpers/until.ts'

const settings = embeddedSettings()
const { dataDir } = settings
afterAll(() => rm(dataDir, { recursive: true, force: true }))

describe('embedded', () => {
  const queue = queueForTests(() => settings)

  keepsTheQueueContract('embedded', queue)
  keepsTheLedgerContract('embedded', () => queue().ledger)
  putsBackWhatWasLost('embedded', queue)

  const join_ = () => openQueue(settings, { command: 'enqueue', works: false, onTrouble: () => {} })

  test('rows that another process of this folder adds are delivered promptly', async () => {
    const run = newRun()
    let deliveredAt = 0
    await using consumer = await queue().consume(
      { render: async () => void (deliveredAt = performance.now()), run: async () => 'over' },
      {
        concurrency: 1,
        lockDurationMs: 30_000,
        stalledIntervalMs: 15_000,
        backoff: () => 10,
        onTrouble: () => {},
      },
    )
    await using joined = await join_()

    const addedAt = performance.now()
    await joined.addRenders([jobFor(run, 0)], { attempts: 1 })
    await until(() => deliveredAt > 0)

    expect(deliveredAt - addedAt).toBeLessThan(1_500)
    await consumer.drain(0)
  })

  test('a joined process sees and changes the same ledger', async () => {
    const run = newRun()
    await using joined = await join_()

    await joined.ledger.openRun(entryFor(run, 5))

    expect(await queue().ledger.books(run)).toMatchObject({ run, rowCount: 5 })
    expect(await joined.ledger.books(run)).toEqual(await queue().ledger.books(run))
  })

  test('a second worker on the same folder is refused, naming the first', async () => {
    const opening = openQueue(settings, { command: 'worker', works: true, onTrouble: () => {} })

    await expect(opening).rejects.toThrow(EmbeddedOwnedError)
    await expect(opening).rejects.toThrow(`pid ${process.pid}`)
  })

  test('a statement that is wrong fails for the one who sent it, and nobody else', async () => {
    await using joined = await join_()
    const run = newRun()

    await expect(
      joined.ledger.openRun({ ...entryFor(run, 1), enteredAt: 'x' as never }),
    ).rejects.toThrow(/bigint/)
    expect(await joined.ledger.books(run)).toBeUndefined()
  })
})

describe('the lock beside the embedded data', () => {
  const claim = { command: 'worker', stays: true, socket: '/nowhere' }
  const lockDir = async () => {
    const dir = mkdtempSync(join(dataDir, 'lock-'))
    await mkdir(dir, { recursive: true })
    return dir
  }

  test('one of two takers gets it; the other learns who has it', async () => {
    const dir = await lockDir()

    const taken = await Promise.all([takeLock(dir, claim), takeLock(dir, claim)])

    expect(taken.map(({ kind }) => kind).toSorted()).toEqual(['owned', 'taken'])
    const owned = taken.find((each) => each.kind === 'owned')
    expect(owned).toMatchObject({ owner: { pid: process.pid, command: 'worker' } })
  })

  test('it is free again after its release', async () => {
    const dir = await lockDir()
    await takeLock(dir, claim)

    await releaseLock(dir)

    expect(await takeLock(dir, claim)).toEqual({ kind: 'taken' })
  })

  test('a dead owner is succeeded by exactly one of many', async () => {
    const dir = await lockDir()
    await takeLock(dir, claim)
    const lock = JSON.parse(await readFile(join(dir, 'queue.lock'), 'utf8'))
    // The same pid with another start time is another process.
    await writeFile(join(dir, 'queue.lock'), JSON.stringify({ ...lock, startTime: '1' }))

    const taken = await Promise.all(
      Array.from({ length: 10 }, () => takeLock(dir, claim).catch(() => ({ kind: 'failed' }))),
    )

    expect(taken.filter(({ kind }) => kind === 'taken')).toHaveLength(1)
    expect(taken.filter(({ kind }) => kind === 'owned')).toHaveLength(9)
  })

  test('an owner in another container lives as long as its socket answers', async () => {
    const dir = await lockDir()
    await takeLock(dir, claim)
    const lock = JSON.parse(await readFile(join(dir, 'queue.lock'), 'utf8'))
    await writeFile(join(dir, 'queue.lock'), JSON.stringify({ ...lock, host: 'elsewhere' }))

    expect(await takeLock(dir, claim)).toEqual({ kind: 'taken' })
  })
})
