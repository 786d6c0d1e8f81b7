import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { UploadPicture } from '../../../src/images-api/contract.ts'
import { FolderStore } from '../../../src/storage/folder.ts'
import type { Downloader } from '../../../src/worker/download.ts'
import { loadInputs } from '../../../src/worker/input-pictures.ts'
import { jobFor, newRun } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'
import { plainPng } from '../emulator/requests.ts'

const NEVER = new AbortController().signal
const urlOf = (name: string) => ({ kind: 'url' as const, url: `https://pictures.example/${name}` })

describe('input pictures behind URLs', () => {
  test('come in their order, as they are', async () => {
    const [first, second] = [await plainPng(8, 8), await plainPng(4, 4)]
    const { load } = await inputsOf({ 'a.png': first, 'b.png': second })

    const { images } = await load(['a.png', 'b.png'])

    expect(images.map(({ picture }) => Buffer.from((picture as UploadPicture).bytes))).toEqual([
      first,
      second,
    ])
    expect(images.map(({ picture }) => (picture as UploadPicture).filename)).toEqual([
      'image-1.png',
      'image-2.png',
    ])
  })

  test('are fetched one after the other', async () => {
    const png = await plainPng(8, 8)
    const { load, activeMax } = await inputsOf({ 'a.png': png, 'b.png': png, 'c.png': png })

    await load(['a.png', 'b.png', 'c.png'])

    expect(activeMax()).toBe(1)
  })

  test('that the API does not take are refused before anything is sent', async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>',
    )
    const gif = await sharp(await plainPng(8, 8))
      .gif()
      .toBuffer()
    const { load } = await inputsOf({ 'a.gif': gif, 'a.svg': svg })

    for (const [name, type] of [
      ['a.gif', 'image/gif'],
      ['a.svg', 'image/svg+xml'],
    ] as const) {
      await expect(load([name])).rejects.toMatchObject({
        code: 'input_unusable',
        message: expect.stringContaining(`${name} is ${type}: the API takes PNG, WebP and JPEG`),
      })
    }
  })
})

test('a stored input picture is uploaded from the memory it was read into', async () => {
  const png = await plainPng(8, 8)
  const { load, store } = await inputsOf({})
  const get = store.get.bind(store)
  const reads: (Buffer | undefined)[] = []
  store.get = async (...read) => {
    const bytes = await get(...read)
    reads.push(bytes)
    return bytes
  }
  const sha256 = createHash('sha256').update(png).digest('hex')
  const key = `_inputs/${sha256}.png`
  await store.put(key, png, { contentType: 'image/png', when: 'absent' })

  const { images } = await load(
    [],
    [{ kind: 'stored', key, sha256, mediaType: 'image/png', byteCount: png.length }],
  )

  const { bytes } = images[0]!.picture as UploadPicture
  expect(bytes.buffer).toBe(reads[0]?.buffer)
})

type Inputs = ReturnType<typeof jobFor>['images']

async function inputsOf(pictures: Readonly<Record<string, Buffer>>) {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  const store = new FolderStore(dir.path)
  let active = 0
  let activeMax = 0
  const downloader: Downloader = {
    async download(url, { sink }) {
      active += 1
      activeMax = Math.max(active, activeMax)
      const bytes = pictures[url.slice(url.lastIndexOf('/') + 1)] ?? Buffer.alloc(0)
      await sink(bytes)
      active -= 1
      return { byteCount: bytes.length, contentType: undefined }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  const load = (names: string[], others: Inputs = []) => {
    const images = [...names.map(urlOf), ...others]
    const job = jobFor(newRun(), 0, { operation: 'edit', images })
    return loadInputs(job, { store, downloader }, NEVER)
  }
  return { load, store, activeMax: () => activeMax }
}
