/** Subject: what one would write in an afternoon on the official SDKs, with their defaults but for retries. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import OpenAI from 'openai'
import { measure, type Subject } from './measure.ts'
import type { Task } from './task.ts'

await measure(async ({ apiUrl, n }: Task): Promise<Subject> => {
  const openai = new OpenAI({ apiKey: 'any', baseURL: apiUrl, maxRetries: 0 })
  const s3 = new S3Client({ forcePathStyle: true })
  return {
    async call(number) {
      const prompt = `a mug on a shelf, ${number}`
      const answer = await openai.images.generate({ model: 'gpt-image-2', prompt, n })
      for (const [index, { b64_json }] of (answer.data ?? []).entries()) {
        await s3.send(
          new PutObjectCommand({
            Bucket: 'bench',
            Key: `script/${number}-${index}.png`,
            Body: Buffer.from(b64_json ?? '', 'base64'),
            ContentType: 'image/png',
          }),
        )
      }
    },
    async [Symbol.asyncDispose]() {
      s3.destroy()
    },
  }
})
