import { describe, expect, onTestFinished, test } from 'vitest'
import {
  InterruptedError,
  ResultExpiredError,
  ResultUnavailableError,
} from '../../../src/errors.ts'
import type { AnswerPart, ImagesApi } from '../../../src/images-api/contract.ts'
import { callIntoSpool } from '../../../src/worker/answer.ts'
import { fetchLinks } from '../../../src/worker/linked-pictures.ts'
import type { Downloader } from '../../../src/worker/download.ts'
import { openSpool } from '../../../src/worker/spool.ts'
import type { SpooledAnswer } from '../../../src/worker/spooled-answer.ts'
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

      await expect(call()).rejects.toMatchObject({
        code: 'result_expired',
        message: expect.stringContaining(expired.message),
      })
    }
  })

  test.each([
    ['an abort', new InterruptedError('stopped')],
    ['a full disk', new Error('ENOSPC')],
    ['an outage of its server', new ResultUnavailableError('503')],
  ])('that %s cut short goes on later, with no other call', async (_, failure) => {
    const { call, spool, job, pictures, fetch, callCount } = await callFor([
      await plainPng(8, 8),
      failure,
    ])

    await expect(call()).rejects.toBe(failure)
    const waiting = await spool.find(job.fingerprint, STORE)
    expect(waiting).toMatchObject({ pictures: [{ index: 0 }], links: [{ index: 1 }] })
    pictures[1] = await plainPng(16, 8)
    const answer = await fetch(waiting!)

    expect(answer.pictures.map(({ width }) => width)).toEqual([8, 16])
    expect(await spool.find(job.fingerprint, STORE)).toEqual(answer)
    expect(callCount()).toBe(1)
  })

  test('that an outage outlasts is lost when its hour is over', async () => {
    const { call, spool, job, fetch } = await callFor([new ResultUnavailableError('503')])
    await expect(call()).rejects.toThrow('503')
    const waiting = await spool.find(job.fingerprint, STORE)

    const old = { ...waiting!, answeredAt: new Date(Date.now() - 61 * 60_000).toISOString() }

    await expect(fetch(old)).rejects.toMatchObject({
      code: 'result_expired',
      message: expect.stringContaining('503; its hour is over'),
    })
    expect(await spool.find(job.fingerprint, STORE)).toBeUndefined()
  })

  test('leaves no file open, whether it came or was lost', async () => {
    const { readdir, readlink } = await import('node:fs/promises')
    const { call, dir } = await callFor([expired, await plainPng(8, 8), expired])

    await call()

    const handles = await readdir('/proc/self/fd').catch(() => [])
    const open = await Promise.all(
      handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')),
    )
    expect(open.filter((path) => path.startsWith(dir))).toEqual([])
  })

  test('that gives no picture is not bought again by itself', async () => {
    const { call } = await callFor([Buffer.from('<html>sorry</html>')])

    await expect(call()).rejects.toMatchObject({
      code: 'result_expired',
      message: expect.stringContaining('what its URL gives is no picture'),
    })
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
  let calls = 0
  const api = apiWith(pictures.length, () => (calls += 1))
  const tools = { api, downloader, spool, imageBytesMax: 1_000_000 }
  const history = { attempts: 1, calls: 1, unknownCalls: 0, startedAt: new Date().toISOString() }
  const inputs = { images: [], mask: undefined, markup: undefined }
  const abandoned = new AbortController().signal
  const terms = { store: STORE, onSending: () => undefined }
  const fetch = (answer: SpooledAnswer) => fetchLinks(answer, tools, abandoned)
  const call = async () =>
    fetch(await callIntoSpool({ job, inputs, history, abandoned, ...terms }, tools))
  return { call, fetch, spool, job, pictures, dir: dir.path, answeredAt, callCount: () => calls }
}

function apiWith(count: number, onCall: () => void): ImagesApi {
  return {
    baseUrl: 'http://test/v1',
    async *send(): AsyncIterable<AnswerPart> {
      onCall()
      for (let index = 0; index < count; index += 1) {
        yield { kind: 'picture-url', index, url: String(index) }
      }
      const facts = { created: 1, usage: null, requestId: null, resolved: {}, requestMs: 1 }
      yield { kind: 'end', facts: { ...facts, warnings: [] } }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}
