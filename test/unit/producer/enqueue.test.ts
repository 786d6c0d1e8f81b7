import { expect, test } from 'vitest'
import { writeFile } from 'node:fs/promises'
import { enqueuePlan } from '../../../src/producer/enqueue.ts'
import { planManifest } from '../../../src/producer/plan.ts'
import type { Queue } from '../../../src/queue/queue.ts'
import { RunDocument } from '../../../src/run-document.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { tempDir } from '../../helpers/temp.ts'
import { until } from '../../helpers/until.ts'
import { OPTIONS } from './planning.ts'

const MANIFEST = `id,prompt\n${Array.from({ length: 90 }, (_, row) => `r${row},x\n`).join('')}`

async function planned() {
  const dir = await tempDir()
  await writeFile(dir.join('m.csv'), MANIFEST)
  const manifest = dir.join('m.csv')
  const workDir = dir.join('work')
  const plan = await planManifest({ ...OPTIONS, manifest, workDir, rowsPerPart: 3 })
  const store = await openStore({ kind: 'folder', dir: dir.join('store') })
  return {
    plan,
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await plan[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

/** Knows no run and takes one. */
function emptyQueue(entered: string[]): Queue {
  const ledger = {
    findUnfinished: async () => undefined,
    openRun: async ({ run }: { run: string }) => ({ kind: 'opened', run }),
  }
  return { ledger, addRun: async (run: string) => void entered.push(run) } as unknown as Queue
}

test('everything a run is rebuilt from is in the store before the run is entered', async () => {
  await using given = await planned()
  const entered: string[] = []
  const terms = { priority: 'high', flags: { where: 'a=b' } } as const

  const { run } = await enqueuePlan(given.plan, { ...given, queue: emptyQueue(entered) }, terms)

  expect(entered).toEqual([run])
  const keys: string[] = []
  for await (const { key } of given.store.list(`_runs/${run}/`)) keys.push(key)
  expect(keys).toHaveLength(31)
  const document = await given.store.get(`_runs/${run}/run.json`, { bytesMax: 1e6 })
  expect(RunDocument.parse(JSON.parse(String(document)))).toMatchObject({
    rows: 90,
    columns: ['id', 'prompt'],
    costPlannedUsd: expect.any(Number) as number,
    priority: 'high',
    flags: { where: 'a=b' },
  })
})

test('a part that can not be stored ends it: nothing more is begun, nothing is under way, no run is entered', async () => {
  await using given = await planned()
  const entered: string[] = []
  let begun = 0
  let underWay = 0
  const put: Store['put'] = async (...args) => {
    begun += 1
    underWay += 1
    try {
      if (begun === 2) throw new Error('disk full')
      // The others are still at it when it fails.
      await until(async () => begun >= 4)
      return await given.store.put(...args)
    } finally {
      underWay -= 1
    }
  }
  const store = { ...given.store, url: given.store.url, put } as Store

  const entering = enqueuePlan(given.plan, { store, queue: emptyQueue(entered) })

  await expect(entering).rejects.toThrow('disk full')
  expect(underWay).toBe(0)
  expect(begun).toBeLessThan(6)
  expect(entered).toEqual([])
})

test('whatever the ledger opens is whole in the store, also when the same work ends in this very moment', async () => {
  await using given = await planned()
  const entered: string[] = []
  const queue = emptyQueue(entered)
  // By the time the run is to be opened, it is not unfinished any more.
  Object.assign(queue.ledger, { findUnfinished: async () => 'run_9999999999' })

  const { kind, run } = await enqueuePlan(given.plan, { ...given, queue })

  expect(entered).toEqual([run])
  const stored = await given.store.head(`_runs/${run}/run.json`)
  expect({ kind, run, isStored: stored !== undefined }).toEqual({
    kind: 'continued',
    run: 'run_9999999999',
    isStored: false,
  })
})
