/** Where calls go is for the settings alone to say: no manifest and no job can send the key elsewhere. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/config.ts'
import { openImagesApi } from '../../src/images-api/client.ts'
import { RenderJob, type ImageRequest } from '../../src/job.ts'
import { jobFor, newRun } from '../helpers/jobs.ts'
import { plan, problemsIn } from './producer/planning.ts'

/** Where a manifest would have us go; nobody may ever connect. */
let elsewhere: string
let connections = 0
const canary = createServer((socket) => {
  connections += 1
  socket.destroy()
})
/** Where the settings would have us go. */
let calls = 0
const configured = createHttpServer((request, response) => {
  calls += 1
  request.resume().on('end', () => response.end('{"data":[{"b64_json":"AAAA"}]}'))
})

const addressOf = (server: Server) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`

beforeAll(async () => {
  for (const server of [canary, configured]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  elsewhere = addressOf(canary)
})
afterAll(() => {
  canary.close()
  configured.close()
})

const NAMES = [
  'base_url',
  'baseURL',
  'baseUrl',
  'openaiBaseUrl',
  'openai_base_url',
  'OPENAI_BASE_URL',
  'api_base',
  'endpoint',
  'host',
  'server',
  'origin',
  'url',
]

/** Sends the request, with everything that came along in it, and says who was called. */
async function callsFor(request: ImageRequest): Promise<{ here: number; elsewhere: number }> {
  const before = calls
  await using api = openImagesApi({
    apiKey: new Secret('any'),
    baseUrl: addressOf(configured),
    requestTimeoutMs: 20_000,
    imageBytesMax: 1_000,
  })
  const openPicture = async () => ({ write: async () => {} })
  const { signal } = new AbortController()
  const parts = api.send({ operation: 'generate', request, images: [] }, { signal, openPicture })
  for await (const part of parts) void part
  return { here: calls - before, elsewhere: connections }
}

describe('a manifest', () => {
  test.each(NAMES)('with a column %s still goes where the settings say', async (name) => {
    const { jobs } = await plan(`id,prompt,${name}\nmug,a mug,${elsewhere}\n`)

    expect(jobs).toHaveLength(1)
    expect(JSON.stringify(jobs)).not.toContain(elsewhere)
    expect(await callsFor(jobs[0]!.request)).toEqual({ here: 1, elsewhere: 0 })
  })

  test.each(NAMES)('in JSON Lines with a field %s does too', async (name) => {
    const row = JSON.stringify({ id: 'mug', prompt: 'a mug', [name]: elsewhere })
    const planned = plan(`${row}\n`, { fileName: 'catalog.jsonl' })

    expect(JSON.stringify((await planned).jobs)).not.toContain(elsewhere)
  })

  test('of batch lines can name endpoints, but no server', async () => {
    const line = {
      custom_id: 'mug',
      method: 'POST',
      url: `${elsewhere}/images/generations`,
      body: { model: 'gpt-image-2', prompt: 'a mug' },
    }

    const problems = await problemsIn(
      plan(`${JSON.stringify(line)}\n`, { fileName: 'batch.jsonl' }),
    )

    expect(problems.join('\n')).toContain('url')
  })
})

describe('a job', () => {
  const job = jobFor(newRun(), 0)

  test.each(NAMES)('with a key %s is no job, at any depth', (name) => {
    for (const payload of [
      { ...job, [name]: elsewhere },
      { ...job, request: { ...job.request, [name]: elsewhere } },
      { ...job, openai: { [name]: elsewhere } },
    ]) {
      expect(RenderJob.safeParse(payload).success).toBe(false)
    }
    expect(RenderJob.safeParse(job).success).toBe(true)
  })

  test.each(NAMES)('whose request has a key %s goes where the settings say', async (name) => {
    const calls = await callsFor({ ...job.request, [name]: elsewhere })

    expect(calls).toEqual({ here: 1, elsewhere: 0 })
  })
})
