import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fingerprintOf,
  ImageRequest,
  InputPicture,
  jobIdOf,
  OPERATIONS,
  RenderJob,
} from '../../src/job.ts'
import { jobFor, newRun } from '../helpers/jobs.ts'

type Fingerprinted = Parameters<typeof fingerprintOf>[0]

const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/)
const stored = fc
  .tuple(sha256, fc.constantFrom('png', 'jpg', 'webp'), fc.integer({ min: 1, max: 1e7 }))
  .map(([digest, extension, byteCount]) => ({
    kind: 'stored' as const,
    key: `_inputs/${digest}.${extension}`,
    sha256: digest,
    mediaType: `image/${extension}`,
    byteCount,
  }))
const url = fc.webUrl().map((address) => ({ kind: 'url' as const, url: address }))
const uploaded = fc
  .stringMatching(/^[a-z0-9]{1,20}$/)
  .map((id) => ({ kind: 'file' as const, fileId: `file-${id}` }))
const input: fc.Arbitrary<InputPicture> = fc.oneof(stored, url, uploaded)

const optional = fc.record(
  {
    prompt: fc.string({ maxLength: 60 }),
    size: fc.constantFrom('auto', '1024x1024', '1536x1024'),
    quality: fc.constantFrom('low', 'medium', 'high'),
    background: fc.constantFrom('auto', 'transparent'),
    output_format: fc.constantFrom('png', 'webp', 'jpeg'),
    output_compression: fc.integer({ min: 0, max: 100 }),
    moderation: fc.constantFrom('auto', 'low'),
    input_fidelity: fc.constantFrom('low', 'high'),
    complexity: fc.constantFrom('low', 'high'),
    frame_count: fc.integer({ min: 2, max: 16 }),
    frame_duration_ms: fc.integer({ min: 20, max: 655_350 }),
    svg: fc.constantFrom({ model: 'a' }, { model: 'a', reasoning: { effort: 'low' } }),
    stream: fc.boolean(),
    partial_images: fc.integer({ min: 0, max: 3 }),
    style: fc.constantFrom('vivid', 'natural'),
    response_format: fc.constantFrom('url' as const, 'b64_json' as const),
    user: fc.string({ maxLength: 9 }),
    safety_identifier: fc.string({ maxLength: 9 }),
  },
  { requiredKeys: [] },
)
const request = fc
  .tuple(fc.constantFrom('gpt-image-2', 'dall-e-3'), fc.integer({ min: 1, max: 10 }), optional)
  .map(([model, n, rest]): ImageRequest => ({ model, n, ...rest }))

const row: fc.Arbitrary<Fingerprinted> = fc.record(
  {
    id: fc.string({ minLength: 1, maxLength: 20 }),
    operation: fc.constantFrom(...OPERATIONS),
    request,
    images: fc.array(input, { maxLength: 4 }),
    mask: stored,
    markup: stored,
  },
  { requiredKeys: ['id', 'operation', 'request', 'images'] },
)

/** No generated picture has this digest. */
const ANOTHER: InputPicture = {
  kind: 'stored',
  key: `_inputs/${'0123'.repeat(16)}.png`,
  sha256: '0123'.repeat(16),
  mediaType: 'image/png',
  byteCount: 3,
}

const NOT_DECIDING = new Set([
  'user',
  'safety_identifier',
  'response_format',
  'stream',
  'partial_images',
])

describe('the fingerprint', () => {
  test('is a sha256 that an equal row always gets again', () => {
    fc.assert(
      fc.property(row, (given) => {
        expect(fingerprintOf(given)).toMatch(/^[0-9a-f]{64}$/)
        expect(fingerprintOf(structuredClone(given))).toBe(fingerprintOf(given))
      }),
    )
  })

  // Changed by accident, a new release would render and pay every catalog again.
  test('stays the same from release to release', () => {
    const given: Fingerprinted = {
      id: 'sku-1',
      operation: 'edit',
      request: { model: 'gpt-image-2', n: 2, prompt: 'a red mug', quality: 'medium' },
      images: [{ kind: 'url', url: 'https://shop.example/mug.png' }],
    }
    expect(fingerprintOf(given)).toBe(
      'a8e13a30eea0e1431b9f6b03899c36d4e4adea0d38d5da7cbf6d0b99f4cb3549',
    )
  })

  test('does not depend on the order of the parameters', () => {
    const shuffled = request.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray(Object.entries(given), { minLength: Object.keys(given).length }),
      ),
    )
    fc.assert(
      fc.property(row, shuffled, (given, [inOrder, entries]) => {
        const reordered = Object.fromEntries(entries) as ImageRequest
        expect(fingerprintOf({ ...given, request: reordered })).toBe(
          fingerprintOf({ ...given, request: inOrder }),
        )
      }),
    )
  })

  test('does not depend on who asks, how the answer travels, or on parameters without a value', () => {
    const irrelevant = fc.record(
      {
        user: fc.string(),
        safety_identifier: fc.string(),
        response_format: fc.constantFrom('url', 'b64_json', undefined),
        stream: fc.boolean(),
        partial_images: fc.nat(3),
        not_given: fc.constant(undefined),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(row, irrelevant, (given, changes) => {
        const changed = { ...given.request, ...changes } as ImageRequest
        expect(fingerprintOf({ ...given, request: changed })).toBe(fingerprintOf(given))
      }),
    )
  })

  test('does not depend on what else is known of a picture of the same bytes', () => {
    const [image] = fc.sample(stored, 1)
    const renamed = { ...image!, key: '_inputs/x.png', mediaType: 'image/png', byteCount: 1 }
    fc.assert(
      fc.property(row, (given) => {
        const before = fingerprintOf({ ...given, images: [image!], mask: image! })
        expect(fingerprintOf({ ...given, images: [renamed], mask: renamed })).toBe(before)
      }),
    )
  })

  test.each(Object.keys(ImageRequest.shape).filter((name) => !NOT_DECIDING.has(name)))(
    'changes with the parameter %s',
    (name) => {
      fc.assert(
        fc.property(row, fc.string(), (given, value) => {
          const changed = { ...given.request, [name]: `another ${value}` }
          expect(fingerprintOf({ ...given, request: changed })).not.toBe(fingerprintOf(given))
        }),
        { numRuns: 20 },
      )
    },
  )

  test.each<[string, (given: Fingerprinted) => Partial<Fingerprinted>]>([
    ['the id', ({ id }) => ({ id: `${id}x` })],
    [
      'the operation',
      ({ operation }) => ({ operation: operation === 'edit' ? 'variation' : 'edit' }),
    ],
    ['one more input picture', ({ images }) => ({ images: [...images, ANOTHER] })],
    ['another input picture', ({ images }) => ({ images: [...images.slice(1), ANOTHER] })],
    ['another mask', () => ({ mask: ANOTHER })],
    ['another markup', () => ({ markup: ANOTHER })],
  ])('changes with %s', (_what, change) => {
    fc.assert(
      fc.property(row, (given) => {
        fc.pre(given.images.length > 0)
        expect(fingerprintOf({ ...given, ...change(given) })).not.toBe(fingerprintOf(given))
      }),
    )
  })

  test('changes with the order of the input pictures, and with which of them is mask or markup', () => {
    fc.assert(
      fc.property(row, stored, (given, image) => {
        const arrangements: Partial<Fingerprinted>[] = [
          { images: [image, ANOTHER] },
          { images: [ANOTHER, image] },
          { images: [image], mask: ANOTHER },
          { images: [ANOTHER], mask: image },
          { images: [image], markup: ANOTHER },
          { images: [image], mask: ANOTHER, markup: ANOTHER },
        ]
        const { id, operation } = given
        const fingerprints = arrangements.map((inputs) =>
          fingerprintOf({ id, operation, request: given.request, images: [], ...inputs }),
        )
        expect(new Set(fingerprints).size).toBe(arrangements.length)
      }),
    )
  })
})

describe('a job', () => {
  const job = jobFor(newRun(), 7, { images: [{ kind: 'url', url: 'https://x.example/a.png' }] })
  const tampered = (changes: object): unknown => ({ ...job, ...changes })

  test('comes back from its JSON as it was', () => {
    fc.assert(
      fc.property(row, (given) => {
        const sent = jobFor(newRun(), 0, given)
        expect(RenderJob.parse(JSON.parse(JSON.stringify(sent)))).toEqual(sent)
      }),
    )
  })

  test.each<[string, object]>([
    ['an unknown key', { apiKey: 'sk-1' }],
    ['an unknown parameter', { request: { ...job.request, seed: 1 } }],
    ['an unknown parameter of an svg', { request: { ...job.request, svg: { model: 'a', n: 1 } } }],
    ['a flag as text', { request: { ...job.request, stream: 'true' } }],
    ['more partial pictures than there are', { request: { ...job.request, partial_images: 4 } }],
    ['a file id that is a path', { images: [{ kind: 'file', fileId: 'file-../../x' }] }],
    ['a reference that is a data URL', { mask: { kind: 'image-url', url: 'data:image/png,x' } }],
    ['a reference without encryption', { mask: { kind: 'image-url', url: 'http://x.example/' } }],
    ['partial pictures that are not kept', { keepPartials: false }],
    ['an unknown key of a picture', { images: [{ ...job.images[0], headers: {} }] }],
    ['a local path as a picture', { images: [{ kind: 'path', path: '/etc/passwd' }] }],
    ['a file URL', { images: [{ kind: 'url', url: 'file:///etc/passwd' }] }],
    ['a stored picture outside of _inputs/', { images: [{ ...ANOTHER, key: '_records/aa.json' }] }],
    ['a stored picture with dots in its key', { mask: { ...ANOTHER, key: '_inputs/../a.png' } }],
    ['an S3 address without a key', { images: [{ kind: 's3', url: 's3://bucket' }] }],
    ['more pictures than the API takes', { images: Array.from({ length: 17 }, () => ANOTHER) }],
    ['a fingerprint that is none', { fingerprint: '../../secret' }],
    ['a run id that is a path', { run: 'run_../../etc' }],
    ['a negative row', { row: -1 }],
    ['half a row', { row: 0.5 }],
    ['a row beyond every counter', { row: 2 ** 53 }],
    ['no pictures asked for', { request: { ...job.request, n: 0 } }],
    ['more pictures asked for than a call gives', { request: { ...job.request, n: 11 } }],
    ['a number as text', { request: { ...job.request, n: '1' } }],
    ['no model', { request: { ...job.request, model: '' } }],
    ['an endless prompt', { request: { ...job.request, prompt: 'x'.repeat(32_001) } }],
    ['an unknown operation', { operation: 'delete' }],
    ['an unknown policy', { existing: 'erase' }],
    ['an empty id', { id: '' }],
    ['an empty key', { key: '' }],
    ['a later version', { version: 2 }],
  ])('with %s is refused', (_what, changes) => {
    expect(RenderJob.safeParse(job).success).toBe(true)
    expect(RenderJob.safeParse(tampered(changes)).success).toBe(false)
  })

  test.each(Object.keys(RenderJob.shape))(
    'without its %s is complete only if that may be missing',
    (name) => {
      const { [name]: _, ...rest } = job as unknown as Record<string, unknown>
      const mayBeMissing = ['mask', 'markup', 'force', 'checkInputs', 'keepPartials'].includes(name)
      expect(RenderJob.safeParse(rest).success).toBe(mayBeMissing)
    },
  )

  test('that is something else altogether is refused without a crash', () => {
    fc.assert(
      fc.property(fc.anything(), (payload) => {
        expect(RenderJob.safeParse(payload).success).toBe(false)
      }),
    )
  })

  test('has an id on the queue of its own, which BullMQ takes for neither a key nor a number', () => {
    const run = newRun()
    const ids = [0, 1, 10, 999_999].map((each) => jobIdOf({ run, row: each }))
    expect(new Set(ids).size).toBe(4)
    expect(jobIdOf({ run, row: 1 })).toBe(`${run}.1`)
    for (const id of ids) expect(id).toMatch(/^run_[0-9a-z]{10}\.\d+$/)
  })
})
