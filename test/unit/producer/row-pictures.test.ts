/** What a row may name as image, mask and markup, through the plan: references, forms of an edit, overlays. */
import { writeFile } from 'node:fs/promises'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { planManifest } from '../../../src/producer/plan.ts'
import { tempDir } from '../../helpers/temp.ts'
import { OPTIONS, plan, problemsIn } from './planning.ts'

const rowOf = async (row: Record<string, unknown>, options = {}) => {
  const line = JSON.stringify({ id: 'a', prompt: 'x', ...row })
  const { jobs } = await plan(line, { fileName: 'a.jsonl', ...options })
  return jobs[0]!
}

const problemsOf = async (row: Record<string, unknown>, options = {}) =>
  await problemsIn(rowOf(row, options))

describe('a picture that the API gets by itself', () => {
  test.each<[unknown, object]>([
    ['file-9f2c', { kind: 'file', fileId: 'file-9f2c' }],
    [{ file_id: 'file_9f2c' }, { kind: 'file', fileId: 'file_9f2c' }],
    [
      { image_url: 'https://x.example/a.png?x=1' },
      { kind: 'image-url', url: 'https://x.example/a.png?x=1' },
    ],
    ['https://x.example/a.png', { kind: 'url', url: 'https://x.example/a.png' }],
  ])('%j', async (image, input) => {
    expect(await rowOf({ image })).toMatchObject({ operation: 'edit', images: [input] })
    expect(await rowOf({ image: 's3://b/a.png', mask: image })).toMatchObject({ mask: input })
  })

  test('keeps its place among the others', async () => {
    const image = ['https://x.example/a.png', { file_id: 'file-1' }, 's3://b/c.png', 'file-2']

    const { images } = await rowOf({ image })

    expect(images.map(({ kind }) => kind)).toEqual(['url', 'file', 's3', 'file'])
  })

  test('is part of what makes a row another row', async () => {
    const rows = [
      { image: 'file-1' },
      { image: 'file-2' },
      { image: 'file-1', mask: 'file-2' },
      { image: { image_url: 'https://x.example/a.png' } },
    ]

    const jobs = await Promise.all(rows.map((row) => rowOf(row)))

    expect(new Set(jobs.map(({ fingerprint }) => fingerprint)).size).toBe(4)
  })

  test.each<[unknown, string]>([
    [{ image_url: 'http://x.example/a.png' }, 'must be https:// for the API to fetch it'],
    [{ image_url: 's3://b/a.png' }, 'must be https:// for the API to fetch it'],
    [{ image_url: 'mug.png' }, 'must be https:// for the API to fetch it'],
    [{ image_url: 'https://' }, 'is not a valid URL'],
    [{ image_url: 'https://u:p@x.example/a.png' }, 'holds a user name or password'],
    [{ image_url: `https://x.example/${'a'.repeat(8_200)}` }, 'is a URL of more than 8192'],
    [{ file_id: 'https://x.example/a.png' }, 'must be the id of an uploaded file: file-…'],
    [{ file_id: `file-${'a'.repeat(200)}` }, 'must be the id of an uploaded file: file-…'],
    ['file-mug.png', 'there is no such file'],
    ['./file-mug', 'there is no such file'],
  ])('%j is none', async (image, problem) => {
    const [first = '', ...more] = await problemsOf({ image })

    expect(first).toContain(problem)
    expect(more).toEqual([])
  })

  test('is nothing for variations, DALL-E or Azure', async () => {
    const image = 'file-1'
    const uploaded = 'names a file id or an image_url for the API'

    expect(await problemsOf({ operation: 'variation', prompt: null, image })).toEqual([
      `a.jsonl:1 image ${uploaded}: a variation takes only uploaded pictures`,
    ])
    expect(await problemsOf({ model: 'dall-e-2', image })).toEqual([
      `a.jsonl:1 image ${uploaded}: dall-e-2 takes only uploaded pictures`,
    ])
    expect(await problemsOf({ image }, { server: 'azure' })).toEqual([
      `a.jsonl:1 image ${uploaded}: Azure takes only uploaded pictures`,
    ])
  })
})

describe('a picture that the store has, as failed.jsonl names it', () => {
  const sha256 = 'a'.repeat(64)
  const stored = {
    kind: 'stored',
    key: `_inputs/${sha256}.png`,
    sha256,
    mediaType: 'image/png',
    byteCount: 5,
  }

  test('needs no file, and is the same as one from a path', async () => {
    const image = [stored, 'https://x.example/a.png']

    const job = await rowOf({ image, mask: stored })

    expect(job).toMatchObject({
      operation: 'edit',
      images: [stored, { kind: 'url' }],
      mask: stored,
    })
  })

  test.each([
    { ...stored, key: `_inputs/${'b'.repeat(64)}.png` },
    { ...stored, key: '_records/aa/x.json' },
    { ...stored, byteCount: 0 },
    { ...stored, path: '/etc/passwd' },
    { ...stored, kind: 'url', url: 'https://x.example/a.png' },
  ])('%j is none', async (image) => {
    const [first = '', ...more] = await problemsOf({ image })

    expect(first).toContain('must be a path, a URL or a file id, or a list of them')
    expect(more).toEqual([])
  })
})

/** A folder with pictures of 16x8, and one that is so only after it was turned. */
async function studio(rows: readonly Record<string, unknown>[]) {
  const dir = await tempDir()
  const draw = (width: number, height: number, background: string) =>
    sharp({ create: { width, height, channels: 4, background } })
  await draw(16, 8, '#f00').png().toFile(dir.join('mug.png'))
  await draw(8, 16, '#f00').jpeg().withMetadata({ orientation: 6 }).toFile(dir.join('turned.jpg'))
  await draw(16, 8, '#f008').png().toFile(dir.join('marks.png'))
  await draw(8, 16, '#f008').png().toFile(dir.join('upright.png'))
  await draw(16, 8, '#f00').png().toFile(dir.join('opaque.png'))
  const manifest = dir.join('m.jsonl')
  const lines = rows.map((row, index) =>
    JSON.stringify({ id: `${index}`, prompt: 'x', model: 'gpt-image-2.5-flare', ...row }),
  )
  await writeFile(manifest, lines.join('\n'))
  return {
    planned: planManifest({ ...OPTIONS, manifest, workDir: dir.join('w') }),
    [Symbol.asyncDispose]: async () => await dir[Symbol.asyncDispose](),
  }
}

describe('a markup', () => {
  test('is as large as the first image is shown, and has transparent pixels', async () => {
    await using dir = await studio([
      { image: 'mug.png', markup: 'marks.png' },
      { image: ['mug.png', 'upright.png'], markup: 'marks.png' },
      { image: 'turned.jpg', markup: 'marks.png' },
      { image: 's3://photos/mug.png', markup: 'upright.png' },
      { image: 'mug.png', markup: 'https://x.example/marks.png' },
      {
        image: 'mug.png',
        markup: 'marks.png',
        output_format: 'webp',
        model: 'gpt-image-2.6-flare',
      },
    ])

    await using planned = await dir.planned

    expect(planned).toMatchObject({ rowCount: 6, byOperation: { edit: 6 }, warnings: [] })
    expect(planned.inputs).toHaveLength(4)
  })

  test.each<[Record<string, unknown>, string[]]>([
    [
      { image: 'mug.png', markup: 'upright.png' },
      ['markup is 8x16: it must have the size of the first image, 16x8'],
    ],
    [
      { image: 'turned.jpg', markup: 'upright.png' },
      ['markup is 8x16: it must have the size of the first image, 16x8'],
    ],
    [
      { image: 'mug.png', markup: 'opaque.png' },
      ['markup must be a PNG with transparent pixels: it is laid over the first image'],
    ],
    [
      { image: 'mug.png', markup: 'turned.jpg' },
      [
        'markup must be a PNG with transparent pixels: it is laid over the first image',
        'markup is 8x16: it must have the size of the first image, 16x8',
      ],
    ],
    [
      { image: 'mug.png', markup: ['marks.png', 'marks.png'] },
      ['markup names more than one picture'],
    ],
    [
      { image: 'mug.png', markup: 'file-1' },
      ['markup must be a picture that renderq can upload, not a reference'],
    ],
    [
      { image: 'file-1', markup: 'marks.png' },
      [
        'markup is not taken together with a file id or an image_url for the API: it has to be uploaded, and that edit goes as JSON',
      ],
    ],
    [
      { image: 'mug.png', mask: 'marks.png', markup: 'marks.png' },
      ['markup is not taken together with a mask'],
    ],
    [{ markup: 'marks.png' }, ['image is missing: an edit needs at least one picture']],
    [{ operation: 'generate', markup: 'marks.png' }, ['markup is only taken by edit']],
    [
      { image: 'mug.png', markup: 'marks.png', model: 'gpt-image-2' },
      ['markup is not taken by gpt-image-2, only by gpt-image-2.5 and later'],
    ],
  ])('%j: %s', async (row, problems) => {
    await using dir = await studio([row])

    expect(await problemsIn(dir.planned)).toEqual(problems.map((text) => `m.jsonl:1 ${text}`))
  })

  test('makes another row of a row', async () => {
    const row = { model: 'gpt-image-2.5-flare', image: 's3://b/a.png' }

    const plain = await rowOf(row)
    const marked = await rowOf({ ...row, markup: 's3://b/m.png' })

    expect(marked).toMatchObject({ markup: { kind: 's3', url: 's3://b/m.png' } })
    expect(marked.fingerprint).not.toBe(plain.fingerprint)
  })
})

test('a picture too large for the JSON form is a problem of rows that go as JSON', async () => {
  await using dir = await tempDir()
  const noise = Buffer.alloc(3_000 * 2_000 * 3)
  for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE((at * 2_654_435_761) >>> 0, at)
  await sharp(noise, { raw: { width: 3_000, height: 2_000, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toFile(dir.join('large.png'))
  const manifest = dir.join('m.csv')
  await writeFile(manifest, 'id,prompt,image,moderation\n1,x,large.png,\n2,x,large.png,low\n')

  const planning = planManifest({ ...OPTIONS, manifest, workDir: dir.join('w') })

  expect(await problemsIn(planning)).toEqual([
    'm.csv:3 image is too large for an edit with moderation: it has more than 20,971,520 characters as a data URL',
  ])
})
