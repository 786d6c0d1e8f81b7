import { expect, test } from 'vitest'
import { resultFilter } from '../../../src/cli/retry-rows.ts'
import type { RunId } from '../../../src/job.ts'
import { retryRun } from '../../../src/producer/retry-run.ts'
import { finishRun } from '../../../src/report/finish-run.ts'
import { plannedRowOf } from '../../../src/storage/stored-run.ts'
import { openEnteringBench, type EnteringBench } from '../../helpers/entering.ts'
import { newRun } from '../../helpers/jobs.ts'
import { jsonLines } from '../../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../../helpers/queues.ts'

const settings = anySettings()
const queue = queueForTests(() => settings)

const REFUSED = { outcome: 'refused', errorCode: 'content_refused', error: 'no' } as const

/** The ids that are entered again. */
async function retried(run: RunId, bench: EnteringBench, where?: string): Promise<string[]> {
  const options = { as: newRun(), ...(where !== undefined && { where: resultFilter(where) }) }
  const workDir = bench.dir.join('retry')
  const again = await retryRun(run, options, { queue: queue(), store: bench.store, workDir })
  const key = `_runs/${again.run}/manifest/part-00001.jsonl`
  const rows = (await jsonLines(bench.store, key)).map((line) => plannedRowOf(line, key).job)
  expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: again.rowCount }, (_, at) => at))
  return rows.map(({ id }) => id)
}

test('of a cancelled run --where picks among the rows that never had their turn as well', async () => {
  await using bench = await openEnteringBench()
  const run = await bench.enter(queue(), 5)
  await bench.end(queue(), run, 1)
  await bench.end(queue(), run, 3, REFUSED)
  await queue().ledger.steer(run, 'cancel')
  const results = await queue().ledger.uncollected(run, 10)
  await bench.storePart(run, 1, results)
  await queue().ledger.bookPart(run, 0, results)
  const workDir = bench.dir.join('work')
  await finishRun(run, { queue: queue(), store: bench.store, workDir })

  expect(await retried(run, bench)).toEqual(['id-0', 'id-2', 'id-3', 'id-4'])
  expect(await retried(run, bench, 'code=content_refused')).toEqual(['id-3'])
  expect(await retried(run, bench, 'outcome=cancelled,row!=1')).toEqual(['id-2', 'id-4'])
  expect(await retried(run, bench, 'id~4')).toEqual(['id-4'])
  await expect(retried(run, bench, 'id=nobody')).rejects.toThrow(/has no such rows/)
})

test('of a run that is going, rows are tried again whose results are not stored yet', async () => {
  await using bench = await openEnteringBench()
  const run = await bench.enter(queue(), 4)
  await bench.end(queue(), run, 2, REFUSED)

  expect(await retried(run, bench)).toEqual(['id-2'])
})
