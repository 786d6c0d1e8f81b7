/** What must hold after every run, whatever went wrong in it. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { inspectPicture } from '../../src/picture.ts'
import type { RenderRecord } from '../../src/record.ts'
import type { Store } from '../../src/storage/store.ts'
import type { Rendered } from './pipeline.ts'

/** Every record tells the truth about bytes that are there and are a picture. */
export async function expectTrueRecords(
  store: Store,
  records: Iterable<RenderRecord>,
): Promise<number> {
  let pictures = 0
  for (const record of records) {
    for (const picture of record.pictures) {
      const bytes = await store.get(picture.key, { bytesMax: 1e9 })
      expect(bytes, picture.key).toBeDefined()
      const { width, height, mediaType } = await inspectPicture(bytes!)
      const sha256 = createHash('sha256').update(bytes!).digest('hex')
      expect({ sha256, width, height, mediaType, byteCount: bytes!.length }).toEqual({
        sha256: picture.sha256,
        width: picture.width,
        height: picture.height,
        mediaType: picture.mediaType,
        byteCount: picture.byteCount,
      })
      const head = await store.head(picture.key)
      expect(head?.metadata).toMatchObject({ fingerprint: record.fingerprint, sha256 })
      pictures++
    }
  }
  return pictures
}

/** Each row has one outcome, one result line, and a record exactly when it has pictures. */
export async function expectSoundRun(
  { books, results, records }: Rendered,
  store: Store,
): Promise<void> {
  expect(books.settled).toBe(books.rowCount)
  expect(results.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: books.rowCount }, (_, row) => row),
  )
  for (const { id, outcome } of results) {
    expect(records.has(id), `${id} ${outcome}`).toBe(
      outcome === 'succeeded' || outcome === 'reused',
    )
  }
  await expectTrueRecords(store, records.values())
}
