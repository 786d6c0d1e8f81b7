import { describe, expect, onTestFinished, test } from 'vitest'
import { OutcomeUnknownError, ResultExpiredError } from '../../../src/errors.ts'
import type { AnswerPart, ImagesApi } from '../../../src/images-api/contract.ts'
import { callIntoSpool } from '../../../src/worker/answer.ts'
import type { Downloader } from '../../../src/worker/download.ts'
import { openSpool } from '../../../src/worker/spool.ts'
import { jobFor, newRun } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'
import { plainPng } from '../emulator/requests.ts'

const STORE = 'file:/store'
const expired = new ResultExpiredError('the picture was paid, but its URL no longer works')

describe('an answer by URLs', () => {
  test('is stored whole, in the order of its pictures', async () => {
    const { call, spool, job } = await callFor([await plainPng(8, 8), await plainPng(16, 8)])

    const answer = await call()

    expect(answer.pictures.map(({ width }) => width)).toEqual([8, 16])
    expect(answer.warnings).toEqual([])
    expect(await spool.find(job.fingerprint, STORE)).toMatchObject({ pictures: [{}, {}] })
  })

  test('of which one has expired is stored without it, and says so once', async () => {
    const { call } = await callFor([await plainPng(8, 8), expired])

    const answer = await call()

    expect(answer.pictures.map(({ index }) => index)).toEqual([0])
    expect(answer.warnings).toEqual([`picture 2 is lost: ${expired.message}`])
  })

  test('that has expired whole is lost, and never bought again by itself', async () => {
    for (const pictures of [[expired], [expired, expired]]) {
      const { call } = await callFor(pictures)

      await expect(call()).rejects.toBe(expired)
    }
  })

  test.each([
    ['an abort', new OutcomeUnknownError('given up')],
    ['a full disk', new Error('ENOSPC')],
  ])('that %s cut short is not committed with fewer pictures', async (_, failure) => {
    const { call, spool, job } = await callFor([await plainPng(8, 8), failure])

    await expect(call()).rejects.toBe(failure)

    expect(await spool.find(job.fingerprint, STORE)).toBeUndefined()
  })

  test('shares one time limit among its pictures', async () => {
    const { call, answeredAt } = await callFor([await plainPng(8, 8), await plainPng(8, 8)])

    await call()

    expect(answeredAt).toHaveLength(2)
    expect(answeredAt[0]).toBe(answeredAt[1])
    expect(answeredAt[0]).toBeTypeOf('number')
  })
})

/** A call whose answer has one URL for each of `pictures`: the bytes there, or what fetching them throws. */
async function callFor(pictures: (Buffer | Error)[]) {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const spool = await openSpool(dir.path)
  const answeredAt: (number | undefined)[] = []
  const request = { model: 'dall-e-2', n: pictures.length, prompt: 'a mug' }
  const job = jobFor(newRun(), 0, { request })
  const downloader: Downloader = {
    async download(url, { sink, answeredAtMs }) {
      answeredAt.push(answeredAtMs)
      const found = pictures[Number(url)] ?? new Error('no such picture')
      if (found instanceof Error) throw found
      await sink(found)
      return { byteCount: found.length, contentType: 'image/png' }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  const tools = { api: apiWith(pictures.length), downloader, spool, imageBytesMax: 1_000_000 }
  const history = { attempts: 1, calls: 1, unknownCalls: 0, startedAt: new Date().toISOString() }
  const inputs = { images: [], mask: undefined }
  const abandoned = new AbortController().signal
  const terms = { store: STORE, onSending: () => undefined }
  const call = () => callIntoSpool({ job, inputs, history, abandoned, ...terms }, tools)
  return { call, spool, job, answeredAt }
}

function apiWith(count: number): ImagesApi {
  return {
    baseUrl: 'http://test/v1',
    async *send(): AsyncIterable<AnswerPart> {
      for (let index = 0; index < count; index += 1) {
        yield { kind: 'picture-url', index, url: String(index) }
      }
      const facts = { created: 1, usage: null, requestId: null, resolved: {}, requestMs: 1 }
      yield { kind: 'end', facts: { ...facts, warnings: [] } }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}
