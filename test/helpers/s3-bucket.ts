/** A bucket of one's own on the S3 server that was found, emptied and removed afterwards. */
import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3'
import { quietAwsNodeWarning } from '../../src/config.ts'
import { s3 } from './services.ts'

export interface TestBucket extends AsyncDisposable {
  readonly name: string
  /** For looking behind the store's back. */
  readonly client: S3Client
}

/** What the AWS SDK of the program under test finds in its environment. */
export function s3Environment(): Record<string, string> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3()
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  }
}

export async function openTestBucket(): Promise<TestBucket> {
  quietAwsNodeWarning()
  const { endpoint, region, ...credentials } = s3()
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  const name = `renderq-test-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: name }))
  return {
    name,
    client,
    async [Symbol.asyncDispose]() {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: name })) {
        const deletes = Contents.map(({ Key }) => new DeleteObjectCommand({ Bucket: name, Key }))
        await Promise.all(deletes.map((command) => client.send(command)))
      }
      await client.send(new DeleteBucketCommand({ Bucket: name }))
      client.destroy()
    },
  }
}
