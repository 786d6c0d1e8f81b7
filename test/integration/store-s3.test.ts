import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
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

  afterAll(() => bucket[Symbol.asyncDispose]())

  keepsTheStoreContract('S3', () => openUnder(randomUUID()))

  function openUnder(prefix: string): Promise<Store> {
    return openStore({ kind: 's3', bucket: bucket.name, prefix })
  }
})
