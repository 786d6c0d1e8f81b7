/** Subject: the floor. undici pipes each answer into a put as it is: no decoding, hashing, signing or disk. */
import { Agent } from 'undici'
import { measure, type Subject } from './measure.ts'
import type { Task } from './task.ts'

await measure(async ({ apiUrl, n, sinkUrl }: Task): Promise<Subject> => {
  const agent = new Agent()
  const api = new URL(`${apiUrl}/images/generations`)
  const sink = new URL(sinkUrl)
  return {
    async call(number) {
      const answer = await agent.request({
        method: 'POST',
        origin: api.origin,
        path: api.pathname,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-image-2', prompt: 'a mug on a shelf', n }),
      })
      const put = await agent.request({
        method: 'PUT',
        origin: sink.origin,
        path: `/bench/copy/${number}.png`,
        headers: {
          'content-type': 'image/png',
          'content-length': String(answer.headers['content-length']),
        },
        body: answer.body,
      })
      await put.body.dump()
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
})
