/** What a run's files say, beside a recount from its records: the two must be equal. */
import { parse } from 'csv-parse/sync'
import { expect } from 'vitest'
import type { RowResult } from '../../src/queue/ledger.ts'
import type { RenderRecord } from '../../src/record.ts'
import { RunDocument } from '../../src/run-document.ts'
import type { Store } from '../../src/storage/store.ts'
import { jsonLines } from '../helpers/pipeline.ts'

/** Of a run whose rows all succeeded. Returns `run.json`. */
export async function expectRecount(
  run: string,
  records: ReadonlyMap<string, RenderRecord>,
  store: Store,
): Promise<RunDocument> {
  const results = await jsonLines<RowResult>(store, `_runs/${run}/results.jsonl`)
  expect(results.map(({ row }) => row)).toEqual(
    Array.from({ length: records.size }, (_, row) => row),
  )
  expect(results.map(factsOfResult)).toEqual(
    results.map(({ id }) => factsOfRecord(records.get(id)!)),
  )

  const csv = await textOf(store, `_runs/${run}/results.csv`)
  const lines: Record<string, string>[] = parse(csv, { bom: true, columns: true })
  expect(lines.map(factsOfLine)).toEqual(
    lines.map(({ id }) => factsOfRecordInLine(records.get(id!)!)),
  )
  expect(lines).toHaveLength(records.size)

  const document = RunDocument.parse(JSON.parse(await textOf(store, `_runs/${run}/run.json`)))
  const all = [...records.values()]
  expect(document).toMatchObject({
    state: 'finished',
    rows: records.size,
    left: 0,
    pictures: sum(all.map(({ pictures }) => pictures.length)),
    calls: sum(all.map(({ calls }) => calls)),
    unknownCalls: sum(all.map(({ unknownCalls }) => unknownCalls)),
  })
  expect(document.outcomes).toMatchObject({ succeeded: records.size, failed: 0, held: 0 })
  expect(document.costUsd).toBeCloseTo(sum(all.map(({ costUsd }) => costUsd ?? 0)))
  expect(await textOf(store, `_runs/${run}/failed.jsonl`)).toBe('')
  expect(await textOf(store, `_runs/${run}/_SUCCESS`)).toBe(`${run}\n`)
  return document
}

function factsOfResult(result: RowResult) {
  const { row, id, outcome, keys, byteCount, costUsd, calls, unknownCalls, fingerprint } = result
  return { row, id, outcome, keys, byteCount, costUsd, calls, unknownCalls, fingerprint }
}

function factsOfRecord(record: RenderRecord) {
  const { row, id, pictures, costUsd, calls, unknownCalls, fingerprint } = record
  const keys = pictures.map(({ key }) => key)
  const byteCount = sum(pictures.map((picture) => picture.byteCount))
  const outcome = 'succeeded'
  return { row, id, outcome, keys, byteCount, costUsd, calls, unknownCalls, fingerprint }
}

function factsOfLine({ id, _status, _key, _bytes, _cost_usd }: Record<string, string>) {
  return { id, _status, _key, _bytes, _cost_usd }
}

function factsOfRecordInLine(record: RenderRecord) {
  const { id, outcome, keys, byteCount, costUsd } = factsOfRecord(record)
  return {
    id,
    _status: outcome,
    _key: keys.join(' | '),
    _bytes: String(byteCount),
    _cost_usd: String(costUsd ?? ''),
  }
}

async function textOf(store: Store, key: string): Promise<string> {
  const bytes = await store.get(key, { bytesMax: 1e9 })
  expect(bytes, key).toBeDefined()
  return bytes!.toString('utf8')
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)
