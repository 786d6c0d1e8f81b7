import { describe, expect, test } from 'vitest'
import type { Ledger, RowResult, RunBooks } from '../../../src/queue/ledger.ts'
import { noReasons } from '../../../src/reason.ts'
import { readRowResults } from '../../../src/report/row-results.ts'
import { resultsPartKey } from '../../../src/storage/keys.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import { whatHelps } from '../../../src/what-helps.ts'
import { entryFor, jobFor, newRun, resultFor } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'

/** The results that are read when these lie in the store's parts and these still in the ledger. */
async function read(
  parts: readonly (readonly RowResult[])[],
  { uncollected = [] as readonly RowResult[], resultParts = parts.length } = {},
) {
  await using dir = await tempDir()
  await using store = await openStore({ kind: 'folder', dir: dir.path })
  const run = newRun()
  for (const [index, part] of parts.entries()) {
    const body = Buffer.from(part.map((result) => `${JSON.stringify(result)}\n`).join(''))
    await store.put(resultsPartKey(run, index + 1), body, {
      contentType: 'application/x-ndjson',
      when: 'always',
    })
  }
  const books = { ...entryFor(run, 1), resultParts } as unknown as RunBooks
  const ledger = { uncollected: async () => uncollected } as unknown as Ledger
  const results = await readRowResults(books, { ledger, store })
  return { ...results, path: dir.path }
}

const run = newRun()
const ended = (row: number, changes: Partial<RowResult> = {}): RowResult =>
  resultFor(jobFor(run, row), changes)
const failed = (row: number, errorCode: string, error: string): RowResult =>
  ended(row, { outcome: 'failed', keys: [], errorCode, error })

describe('why rows failed', () => {
  test('is told once a cause, the commonest first, over all parts and what is not collected yet', async () => {
    const { failures, leftOut } = await read(
      [
        [failed(0, 'request_rejected', 'bad size'), ended(1)],
        [failed(2, 'content_refused', 'violence'), failed(3, 'content_refused', 'violence')],
      ],
      { uncollected: [failed(4, 'content_refused', 'violence')] },
    )

    expect(failures).toEqual([
      {
        code: 'content_refused',
        rows: 3,
        ids: ['row-2', 'row-3', 'row-4'],
        message: 'violence',
        isSameMessage: true,
        help: whatHelps('content_refused'),
      },
      {
        code: 'request_rejected',
        rows: 1,
        ids: ['row-0'],
        message: 'bad size',
        isSameMessage: true,
        help: whatHelps('request_rejected'),
      },
    ])
    expect(leftOut).toBeUndefined()
  })

  test('names the first rows alone and says whether the others say the same', async () => {
    const results = Array.from({ length: 2_000 }, (_, row) =>
      failed(row, 'request_rejected', row === 1_999 ? 'another' : 'bad size'),
    )

    const { failures } = await read([results.slice(0, 1_000), results.slice(1_000)])

    expect(failures).toMatchObject([
      {
        rows: 2_000,
        ids: ['row-0', 'row-1', 'row-2', 'row-3', 'row-4'],
        message: 'bad size',
        isSameMessage: false,
      },
    ])
  })

  test('is the same where only the server’s names of the calls differ', async () => {
    const azureId = 'b7c6c6f0-0d4e-4c1e-9a53-2a1f3f6f4d11'
    const { failures } = await read([
      [
        failed(0, 'server_error', 'try again, with req_0a1 for our support'),
        failed(1, 'server_error', 'try again, with req_0b2 for our support'),
        {
          ...failed(2, 'server_error', `try again, with ${azureId} for our support`),
          requestId: azureId,
        },
      ],
    ])

    expect(failures).toMatchObject([
      { rows: 3, message: 'try again, with req_0a1 for our support', isSameMessage: true },
    ])
  })

  test('is told as far as it can be read', async () => {
    const { failures, leftOut, path } = await read([[failed(0, 'bug', 'odd')]], { resultParts: 2 })

    expect(failures).toMatchObject([{ code: 'bug', rows: 1 }])
    expect(leftOut).toContain(`${path}/_runs/`)
    expect(leftOut).toMatch(/part-00002\.jsonl is missing$/)
  })

  test('of a run of very many rows is not read to its end', async () => {
    const part = [failed(0, 'bug', 'odd')]
    const { failures, leftOut } = await read(Array.from({ length: 201 }, () => part))

    expect(failures).toMatchObject([{ rows: 200 }])
    expect(leftOut).toBe('there are too many')
  })
})

describe('what else results say', () => {
  test('rows that succeeded at an unknown cost are counted', async () => {
    const results = [
      ended(0, { costUsd: null }),
      ended(1),
      ended(2, { outcome: 'reused', costUsd: null }),
      failed(3, 'bug', 'odd'),
    ]

    expect((await read([results])).unpricedRows).toBe(1)
  })

  test('rows are counted by why they were rendered or not, over parts and what is not collected yet', async () => {
    const { reasons } = await read(
      [[ended(0, { reason: 'changed' }), ended(1, { outcome: 'reused', reason: 'unchanged' })]],
      { uncollected: [ended(2, { reason: 'changed' }), failed(3, 'bug', 'odd'), ended(4)] },
    )

    expect(reasons).toEqual({ ...noReasons(), changed: 2, unchanged: 1 })
  })

  test.each([
    [['a/b/1.png', 'a/b/2.png'], 'a/b'],
    [['a/b/1.png', 'a/c/2.png'], 'a'],
    [['a/b/1.png', 'ab/2.png'], ''],
    [['a/1.png', 'a/b/c/2.png'], 'a'],
    [['a/b/c/1.png', 'a/2.png'], 'a'],
    [['1.png'], ''],
    [[], ''],
  ])('pictures %j lie in "%s"', async (keys, folder) => {
    const results = keys.map((key, row) => ended(row, { keys: [key] }))

    expect((await read([results])).folder).toBe(folder)
  })
})
