import { randomUUID } from 'node:crypto'
import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { keepsTheStoreContract } from '../conformance/store.ts'
import { openTestBucket, s3Environment, type TestBucket } from '../helpers/s3-bucket.ts'
import { services } from '../helpers/services.ts'

describe.skipIf(!services.s3)('on a real S3 server', () => {
  let bucket: TestBucket

  beforeAll(async () => {
    Object.assign(process.env, s3Environment())
    bucket = await openTestBucket()
  })

  // More than a thousand objects are deleted one by one.
  afterAll(() => bucket[Symbol.asyncDispose](), 60_000)

  afterEach(() => void vi.unstubAllEnvs())

  keepsTheStoreContract('S3', () => openUnder(randomUUID()))

  test('other S3 clients see the same object, content type and metadata', async () => {
    await using store = await openUnder('seen')
    const options = {
      contentType: 'image/webp',
      metadata: { row: 'sku-1' },
      when: 'absent',
    } as const
    await store.put('mug.webp', Buffer.from('bytes'), options)

    const seen = await bucket.client.send(
      new HeadObjectCommand({ Bucket: bucket.name, Key: 'seen/mug.webp' }),
    )

    expect(seen).toMatchObject({
      ContentLength: 5,
      ContentType: 'image/webp',
      Metadata: { row: 'sku-1' },
    })
  })

  test('more objects than one page of a listing holds are all listed, in order', async () => {
    await using store = await openUnder('many')
    const keys = Array.from({ length: 1_005 }, (_, index) => String(index).padStart(4, '0'))
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(
        keys
          .slice(at, at + 50)
          .map((key) =>
            store.put(key, Buffer.alloc(0), { contentType: 'text/plain', when: 'always' }),
          ),
      )
    }

    const listed: string[] = []
    for await (const { key } of store.list('')) listed.push(key)

    expect(listed).toEqual(keys)
  })

  test('a bucket that is not there is named', async () => {
    await using store = await openStore({ kind: 's3', bucket: `no-${randomUUID()}`, prefix: '' })

    await expect(store.probe()).rejects.toMatchObject({
      code: 'storage_refused',
      message: expect.stringMatching(/no such bucket; create it/),
    })
  })

  test.each([
    ['AWS_SECRET_ACCESS_KEY', 'wrong', /AWS_SECRET_ACCESS_KEY does not belong/],
    ['AWS_ACCESS_KEY_ID', 'AKIANOBODY', /does not know the AWS_ACCESS_KEY_ID/],
  ])('a wrong %s is named', async (variable, value, message) => {
    vi.stubEnv(variable, value)
    await using store = await openUnder('refused')

    await expect(store.probe()).rejects.toMatchObject({
      code: 'storage_refused',
      message: expect.stringMatching(message),
    })
  })

  function openUnder(prefix: string): Promise<Store> {
    return openStore({ kind: 's3', bucket: bucket.name, prefix })
  }
})
