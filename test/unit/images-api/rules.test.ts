import { describe, expect, test } from 'vitest'
import { IMAGE_MODELS, imageModelOf, MODEL_NAMES } from '../../../src/images-api/models.ts'
import {
  checkRequest,
  isForOtherOperation,
  resolveRequest,
  serverKindOf,
  type RequestContext,
} from '../../../src/images-api/rules.ts'
import type { ImageRequest, Operation } from '../../../src/job.ts'

const TODAY = new Date('2026-11-21T12:00:00Z')

const DEFAULT_INPUTS = { generate: 0, edit: 1, variation: 1 } as const

function check(
  operation: Operation,
  given: Partial<ImageRequest>,
  context: Partial<RequestContext> = {},
) {
  const prompt = operation === 'variation' ? {} : { prompt: 'a mug' }
  const server = given.model === undefined ? 'openai' : 'other'
  return checkRequest(operation, resolveRequest(operation, { ...prompt, ...given }), {
    imageCount: DEFAULT_INPUTS[operation],
    hasMask: false,
    hasMarkup: false,
    references: [],
    tooLargeForJson: [],
    server,
    today: TODAY,
    ...context,
  })
}

const messages = (...args: Parameters<typeof check>): string[] =>
  check(...args).problems.map(
    ({ column, message, suggestion }) =>
      `${column} ${message}${suggestion === undefined ? '' : ` (did you mean ${suggestion})`}`,
  )

describe('the server behind a base URL', () => {
  test.each([
    ['https://api.openai.com/v1', 'openai'],
    ['https://eu.api.openai.com/v1', 'openai'],
    ['https://shop.openai.azure.com/openai/v1', 'azure'],
    ['https://shop.services.ai.azure.com/openai/v1', 'azure'],
    ['https://shop.cognitiveservices.azure.com/openai', 'azure'],
    ['http://127.0.0.1:4010/v1', 'other'],
    ['https://api.openai.com.evil.example/v1', 'other'],
    ['https://notapi.openai.com/v1', 'other'],
    ['https://evil-openai.azure.com/v1', 'other'],
  ])('%s is %s', (baseUrl, kind) => {
    expect(serverKindOf(baseUrl)).toBe(kind)
  })
})

describe('what a row leaves open', () => {
  test('model, quality and n are filled in', () => {
    expect(resolveRequest('generate', { prompt: 'a mug' })).toEqual({
      model: 'gpt-image-2',
      prompt: 'a mug',
      n: 1,
      quality: 'medium',
    })
  })

  test('a model with words of its own for quality gets its own default', () => {
    expect(resolveRequest('generate', { model: 'dall-e-3' }).quality).toBe('standard')
    expect(resolveRequest('edit', { model: 'gpt-image-2.6-flare' }).quality).toBe('medium')
    expect(resolveRequest('generate', { model: 'flux-pro' }).quality).toBe('medium')
  })

  test('a variation goes to the only model that had them and has no quality', () => {
    expect(resolveRequest('variation', {})).toEqual({ model: 'dall-e-2', n: 1 })
  })

  test('what is given stays, and undefined is left out', () => {
    const given = { model: 'gpt-image-1.5', n: 4, quality: 'low', size: undefined }

    expect(resolveRequest('generate', given as Partial<ImageRequest>)).toEqual({
      model: 'gpt-image-1.5',
      n: 4,
      quality: 'low',
    })
  })
})

describe('the model table', () => {
  test('every model takes its own defaults for each of its operations', () => {
    for (const model of IMAGE_MODELS) {
      for (const operation of Object.keys(model.parameters) as Operation[]) {
        expect(messages(operation, { model: model.id }), `${operation} ${model.id}`).toEqual([])
      }
    }
  })

  test('every value listed for a model passes its own check', () => {
    for (const model of IMAGE_MODELS) {
      const given = (name: keyof ImageRequest, value: string) =>
        messages('generate', { model: model.id, [name]: value })
      for (const quality of model.qualities) expect(given('quality', quality)).toEqual([])
      for (const size of model.sizes.listed) expect(given('size', size)).toEqual([])
      for (const background of model.backgrounds)
        expect(given('background', background)).toEqual([])
      for (const format of model.formats.generate ?? []) {
        expect(given('output_format', format)).toEqual([])
      }
      for (const style of model.styles) expect(given('style', style)).toEqual([])
    }
  })

  test('a dated name is the model it dates', () => {
    expect(imageModelOf('gpt-image-2-2026-04-21')?.id).toBe('gpt-image-2')
    expect(imageModelOf('gpt-image-2.5-sunburst-2026-09-08')?.id).toBe('gpt-image-2.5-sunburst')
    expect(imageModelOf('gpt-image-2.5')).toBeUndefined()
    expect(new Set(MODEL_NAMES).size).toBe(MODEL_NAMES.length)
  })

  test('a successor is a model that is still there', () => {
    for (const { shutdown } of IMAGE_MODELS) {
      if (shutdown === undefined) continue
      expect(imageModelOf(shutdown.replacement)).toBeDefined()
      expect(imageModelOf(shutdown.replacement)?.shutdown).toBeUndefined()
    }
  })
})

const on = (day: string, server: RequestContext['server'], model = 'gpt-image-1.5') =>
  check('generate', { model }, { server, today: new Date(day) })

describe('the life of a model', () => {
  test('a retired model is refused on OpenAI, with its successor', () => {
    expect(on('2026-12-01T00:00:00Z', 'openai').problems).toEqual([
      {
        column: 'model',
        message: '"gpt-image-1.5" was shut down on 2026-12-01',
        suggestion: 'gpt-image-2.5-sunburst',
      },
    ])
    expect(on('2026-11-21T00:00:00Z', 'openai', 'dall-e-3').problems).toHaveLength(1)
    expect(on('2026-11-21T00:00:00Z', 'openai', 'gpt-image-1').problems).toHaveLength(1)
  })

  test('a retired variation has no successor but an edit', () => {
    expect(check('variation', {}).problems).toEqual([
      {
        column: 'operation',
        message: '"variation": was shut down with dall-e-2 on 2026-05-12, use edit with a prompt',
      },
    ])
  })

  test('the dated name goes with the model', () => {
    expect(
      on('2027-01-01T00:00:00Z', 'openai', 'gpt-image-1.5-2025-12-16').problems[0]?.message,
    ).toBe('"gpt-image-1.5-2025-12-16" was shut down on 2026-12-01')
  })

  test('in its last thirty days a model is warned about, until the last minute', () => {
    const warning =
      'gpt-image-1.5 shuts down on 2026-12-01; its successor is gpt-image-2.5-sunburst'

    expect(on('2026-10-31T23:00:00Z', 'openai')).toEqual({ problems: [], warnings: [] })
    expect(on('2026-11-01T01:00:00Z', 'openai')).toEqual({ problems: [], warnings: [warning] })
    expect(on('2026-11-30T23:59:00Z', 'openai')).toEqual({ problems: [], warnings: [warning] })
  })

  test.each(['azure', 'other'] as const)('on %s a retired model is only warned about', (server) => {
    expect(on('2027-01-01T00:00:00Z', server)).toEqual({
      problems: [],
      warnings: ['gpt-image-1.5 was shut down by OpenAI on 2026-12-01'],
    })
  })

  test('the emulator serves it without a word', () => {
    expect(on('2027-01-01T00:00:00Z', 'emulator')).toEqual({ problems: [], warnings: [] })
  })

  test('an unknown model passes with a warning', () => {
    expect(on('2026-11-21', 'openai', 'gpt-image-2.5-flair')).toEqual({
      problems: [],
      warnings: [
        'the model "gpt-image-2.5-flair" is not known here, so its parameters can\'t be checked (did you mean gpt-image-2.5-flare?)',
      ],
    })
    expect(on('2026-11-21', 'other', 'black-forest-labs/flux').warnings).toEqual([
      'the model "black-forest-labs/flux" is not known here, so its parameters can\'t be checked',
    ])
  })
})

describe('inputs', () => {
  test('an edit needs a picture and takes at most sixteen', () => {
    expect(messages('edit', {}, { imageCount: 0 })).toEqual([
      'image is missing: an edit needs at least one picture',
    ])
    expect(messages('edit', {}, { imageCount: 16, hasMask: true })).toEqual([])
    expect(messages('edit', {}, { imageCount: 17 })).toEqual([
      'image 17 pictures: gpt-image-2 takes at most 16',
    ])
    expect(messages('edit', { model: 'dall-e-2' }, { imageCount: 2 })).toEqual([
      'image 2 pictures: dall-e-2 takes at most 1',
    ])
  })

  test('generate takes neither picture nor mask', () => {
    expect(messages('generate', {}, { imageCount: 1, hasMask: true })).toEqual([
      'image is not taken by generate, only by edit and variation',
      'mask is only taken by edit',
    ])
  })

  test('a variation takes exactly one picture and no prompt', () => {
    expect(messages('variation', { model: 'dall-e-2' }, { imageCount: 2 })).toContain(
      'image must name exactly one picture for a variation',
    )
    expect(messages('variation', { model: 'dall-e-2', prompt: 'a mug' })).toEqual([
      'prompt is not taken by dall-e-2 for variation',
    ])
  })

  test('the rules of the operation hold for unknown models too', () => {
    expect(messages('edit', { model: 'mystery', prompt: ' ' }, { imageCount: 0 })).toEqual([
      'image is missing: an edit needs at least one picture',
      'prompt is missing: edit needs one',
    ])
  })

  test('an operation that a model does not offer is the one problem', () => {
    expect(messages('variation', { model: 'gpt-image-2', quality: 'hd' })).toEqual([
      'operation "variation": gpt-image-2 does not offer it, use edit with a prompt',
    ])
    expect(messages('edit', { model: 'dall-e-3' })).toEqual([
      'operation "edit": dall-e-3 does not offer it, use a GPT image model, e.g. gpt-image-2',
    ])
  })
})

describe('values', () => {
  test.each<[Partial<ImageRequest>, string]>([
    [
      { size: '1025x1024' },
      'size "1025x1024": both edges must be divisible by 16 (did you mean 1024x1024)',
    ],
    [
      { quality: 'hd' },
      'quality "hd": gpt-image-2 takes low, medium, high or auto (did you mean high)',
    ],
    [
      { quality: 'standard' },
      'quality "standard": gpt-image-2 takes low, medium, high or auto (did you mean medium)',
    ],
    [
      { quality: 'xhigh' },
      'quality "xhigh": gpt-image-2 takes low, medium, high or auto (did you mean high)',
    ],
    [
      { model: 'dall-e-3', quality: 'high' },
      'quality "high": dall-e-3 takes standard or hd (did you mean hd)',
    ],
    [{ model: 'dall-e-2', quality: 'hd' }, 'quality "hd": dall-e-2 takes only standard'],
    [
      { background: 'transparant' },
      'background "transparant": gpt-image-2 takes auto, opaque or transparent (did you mean transparent)',
    ],
    [
      { output_format: 'jpg' },
      'output_format "jpg": gpt-image-2 takes png, jpeg or webp (did you mean jpeg)',
    ],
    [{ output_format: 'gif' }, 'output_format "gif": gpt-image-2 takes png, jpeg or webp'],
    [{ moderation: 'off' }, 'moderation "off": gpt-image-2 takes auto or low'],
    [
      { model: 'dall-e-3', style: 'vivd' },
      'style "vivd": dall-e-3 takes vivid or natural (did you mean vivid)',
    ],
    [{ n: 11 }, 'n 11: must be from 1 to 10 (did you mean 10)'],
    [{ n: 0, model: 'mystery' }, 'n 0: must be from 1 to 10 (did you mean 1)'],
    [{ model: 'dall-e-3', n: 4 }, 'n 4: dall-e-3 makes at most 1 per call (did you mean 1)'],
    [
      { response_format: 'url' },
      'response_format is not taken by gpt-image-2 for generate: its answers are always base64',
    ],
    [
      { style: 'vivid' },
      'style is not taken by gpt-image-2 for generate: describe the style in the prompt',
    ],
    [
      { model: 'dall-e-3', moderation: 'whatever' },
      'moderation is not taken by dall-e-3 for generate',
    ],
    [
      { model: 'dall-e-3', output_format: 'tiff', output_compression: 5 },
      'output_format is not taken by dall-e-3 for generate',
    ],
    [
      { background: 'transparent', output_format: 'jpeg' },
      'output_format "jpeg": a transparent background needs png or webp (did you mean png)',
    ],
    [{ output_compression: 80 }, 'output_compression applies to jpeg and webp only, not to png'],
    [
      { model: 'gpt-image-2.6-flare', output_format: 'svg', n: 2 },
      'n 2: svg is made one per call (did you mean 1)',
    ],
    [
      { model: 'dall-e-2', prompt: 'x'.repeat(1_001) },
      'prompt 1,001 characters: dall-e-2 takes at most 1,000',
    ],
    [{ prompt: '' }, 'prompt is missing: generate needs one'],
  ])('generate %j: %s', (given, message) => {
    expect(messages('generate', given)[0]).toBe(message)
  })

  test.each<[Partial<ImageRequest>, string]>([
    [
      { input_fidelity: 'high' },
      'input_fidelity is not taken by gpt-image-2 for edit: leave it out',
    ],
    [
      { model: 'gpt-image-1-mini', input_fidelity: 'high' },
      'input_fidelity "high": gpt-image-1-mini takes only low',
    ],
    [{ moderation: 'off' }, 'moderation "off": gpt-image-2 takes auto or low'],
    [
      { model: 'dall-e-2', moderation: 'low', size: '256x256' },
      'moderation is not taken by dall-e-2 for edit',
    ],
    [
      { model: 'gpt-image-2.6-flare', output_format: 'svg' },
      'output_format "svg": gpt-image-2.6-flare takes png, jpeg, webp or gif',
    ],
    [
      { model: 'gpt-image-2.6-flare', svg: { model: 'gpt-6' } },
      'svg is not taken by gpt-image-2.6-flare for edit: only gpt-image-2.6 makes svg, and only with generate',
    ],
  ])('edit %j: %s', (given, message) => {
    expect(messages('edit', given)).toEqual([message])
  })

  test.each<[Operation, Partial<ImageRequest>]>([
    [
      'generate',
      { quality: 'auto', background: 'transparent', output_format: 'webp', output_compression: 0 },
    ],
    [
      'generate',
      { model: 'gpt-image-2.5-flare', quality: 'max', moderation: 'low', safety_identifier: 'x' },
    ],
    [
      'generate',
      {
        model: 'dall-e-3',
        style: 'natural',
        quality: 'hd',
        size: '1792x1024',
        response_format: 'url',
      },
    ],
    ['edit', { model: 'gpt-image-1.5', input_fidelity: 'high', n: 10, user: 'u' }],
    ['edit', { moderation: 'low' }],
    ['variation', { model: 'dall-e-2', size: '512x512', response_format: 'b64_json' }],
    ['generate', { prompt: '🎉'.repeat(16_000) }],
  ])('%s %j passes', (operation, given) => {
    expect(messages(operation, given)).toEqual([])
  })

  test('a parameter that is not taken is one problem, whatever its value', () => {
    expect(
      messages('generate', { model: 'dall-e-3', background: 'purple', output_compression: 3 }),
    ).toEqual([
      'background is not taken by dall-e-3 for generate',
      'output_compression is not taken by dall-e-3 for generate',
    ])
  })

  test('an emoji counts as one character of the prompt', () => {
    expect(messages('generate', { model: 'dall-e-2', prompt: '🎉'.repeat(1_000) })).toEqual([])
    expect(messages('generate', { model: 'dall-e-2', prompt: '🎉'.repeat(1_001) })).toHaveLength(1)
  })

  test('Azure makes no webp', () => {
    expect(messages('generate', { output_format: 'webp' }, { server: 'azure' })).toEqual([
      'output_format "webp": gpt-image-2 takes png or jpeg',
    ])
  })

  test('a parameter that is documented for no model by name passes with a warning', () => {
    expect(check('edit', { model: 'gpt-image-2.5-flare', complexity: 'low' })).toEqual({
      problems: [],
      warnings: [
        'complexity is not documented for gpt-image-2.5-flare: it may be refused, or do nothing',
      ],
    })
    expect(messages('generate', { complexity: 'lowest' })).toEqual([
      'complexity "lowest": gpt-image-2 takes low, medium or high',
    ])
    expect(check('generate', { model: 'gpt-image-2.6-flare', complexity: 'low' })).toEqual({
      problems: [],
      warnings: [],
    })
  })

  test('what the API calls a preview or experimental is a warning', () => {
    expect(check('generate', { background: 'transparent', size: '3840x2160' })).toEqual({
      problems: [],
      warnings: [
        'background transparent is a preview on gpt-image-2',
        'sizes above 2560x1440 are experimental on gpt-image-2',
      ],
    })
  })

  test('all problems of a row are reported at once', () => {
    expect(
      check('generate', {
        size: '1x1',
        quality: 'hd',
        background: 'red',
        style: 'vivid',
      }).problems.map(({ column }) => column),
    ).toEqual(['style', 'quality', 'background', 'size'])
  })
})

const gif = { model: 'gpt-image-2.6-sunburst', output_format: 'gif' }
const svg = { model: 'gpt-image-2.6-flare', output_format: 'svg' }

describe('gif', () => {
  test('takes frames, and is for accounts with access', () => {
    const frames = { ...gif, frame_count: 16, frame_duration_ms: 655_350 }

    expect(check('edit', frames)).toEqual({
      problems: [],
      warnings: [
        'gif output on gpt-image-2.6-sunburst is for accounts that OpenAI gave access to it',
      ],
    })
  })

  test.each<[Partial<ImageRequest>, string]>([
    [{ frame_count: 1 }, 'frame_count 1: must be from 2 to 16 (did you mean 2)'],
    [{ frame_count: 17 }, 'frame_count 17: must be from 2 to 16 (did you mean 16)'],
    [
      { frame_duration_ms: 19 },
      'frame_duration_ms 19: must be from 20 to 655350 (did you mean 20)',
    ],
    [{ output_compression: 50 }, 'output_compression applies to jpeg and webp only, not to gif'],
    [{ stream: true }, 'stream is not taken with gif output'],
    [{ partial_images: 0 }, 'partial_images is not taken with gif output'],
    [{ svg: { model: 'gpt-6' } }, 'svg applies to svg only, not to gif'],
    [
      { background: 'transparent' },
      'output_format "gif": a transparent background needs png or webp (did you mean png)',
    ],
  ])('%j: %s', (given, message) => {
    expect(messages('generate', { ...gif, ...given })).toEqual([message])
  })

  test('takes no mask', () => {
    expect(messages('edit', gif, { hasMask: true })).toEqual(['mask is not taken with gif output'])
    expect(messages('edit', { ...gif, stream: false }, { hasMarkup: true })).toEqual([])
  })

  test('alone has frames', () => {
    expect(
      messages('generate', { model: gif.model, frame_count: 4, frame_duration_ms: 40 }),
    ).toEqual([
      'frame_count applies to gif only, not to png',
      'frame_duration_ms applies to gif only, not to png',
    ])
    expect(messages('edit', { frame_count: 4 })).toEqual([
      'frame_count is not taken by gpt-image-2 for edit: only gpt-image-2.6 makes gif',
    ])
  })
})

describe('svg', () => {
  test('has an author, and is for accounts with access', () => {
    const given = { ...svg, svg: { model: 'gpt-6', reasoning: { effort: 'xhigh' } } }

    expect(check('generate', given)).toEqual({
      problems: [],
      warnings: ['svg output on gpt-image-2.6-flare is for accounts that OpenAI gave access to it'],
    })
  })

  test.each<[Partial<ImageRequest>, string]>([
    [{ n: 2 }, 'n 2: svg is made one per call (did you mean 1)'],
    [{ stream: true }, 'stream is not taken with svg output'],
    [{ partial_images: 2 }, 'partial_images is not taken with svg output'],
    [{ output_compression: 5 }, 'output_compression applies to jpeg and webp only, not to svg'],
    [
      { svg: { model: 'gpt-6', reasoning: { effort: 'hihg' } } },
      'svg "hihg": reasoning.effort takes none, minimal, low, medium, high, xhigh or max (did you mean high)',
    ],
  ])('%j: %s', (given, message) => {
    expect(messages('generate', { ...svg, ...given })).toEqual([message])
  })
})

describe('streams', () => {
  test('partial pictures ask for one', () => {
    expect(resolveRequest('edit', { partial_images: 0 })).toMatchObject({ stream: true })
    expect(resolveRequest('generate', { model: 'mystery', partial_images: 2 }).stream).toBe(true)
    expect(resolveRequest('generate', { stream: false })).toMatchObject({ stream: false })
    expect(resolveRequest('generate', {})).not.toHaveProperty('stream')
  })

  test('a model without them is asked for one thing only', () => {
    expect(messages('generate', { model: 'dall-e-3', partial_images: 2 })).toEqual([
      'partial_images is not taken by dall-e-3 for generate',
    ])
  })

  test.each<[Operation, Partial<ImageRequest>]>([
    ['generate', { partial_images: 3 }],
    ['edit', { partial_images: 1, model: 'gpt-image-1.5' }],
    ['generate', { stream: true, partial_images: 0 }],
    ['edit', { stream: false }],
  ])('%s %j passes', (operation, given) => {
    expect(messages(operation, given)).toEqual([])
  })

  test('have at most three partial pictures, and without a stream there are none', () => {
    expect(messages('generate', { partial_images: 4 })).toEqual([
      'partial_images 4: must be from 0 to 3 (did you mean 3)',
    ])
    expect(messages('generate', { partial_images: 2, stream: false })).toEqual([
      'partial_images 2: partial pictures come in a stream, and stream is false',
    ])
  })

  test('of several pictures are warned about', () => {
    const warning =
      'with n above 1, nothing in a stream says which picture a partial one belongs to: n 1 is better'

    expect(check('generate', { stream: true, n: 2 })).toEqual({ problems: [], warnings: [warning] })
    expect(check('generate', { model: 'mystery', stream: true, n: 2 }).warnings).toContain(warning)
  })
})

describe('the form of an edit', () => {
  const files = { references: ['image', 'mask'] as const, hasMask: true }

  test('references, and moderation, are for GPT models', () => {
    expect(messages('edit', {}, files)).toEqual([])
    expect(messages('edit', { moderation: 'low' }, files)).toEqual([])
    expect(messages('edit', { model: 'mystery' }, files)).toEqual([])
    expect(messages('edit', { model: 'dall-e-2' }, files)).toEqual([
      'image names a file id or an image_url for the API: dall-e-2 takes only uploaded pictures',
      'mask names a file id or an image_url for the API: dall-e-2 takes only uploaded pictures',
    ])
    expect(messages('variation', { model: 'dall-e-2' }, { references: ['image'] })).toEqual([
      'image names a file id or an image_url for the API: a variation takes only uploaded pictures',
    ])
  })

  test('Azure takes uploads only, whatever its deployment is called', () => {
    const azure = { server: 'azure' } as const

    expect(messages('edit', { model: 'my-deployment' }, { ...files, ...azure })).toEqual([
      'image names a file id or an image_url for the API: Azure takes only uploaded pictures',
      'mask names a file id or an image_url for the API: Azure takes only uploaded pictures',
    ])
    expect(messages('edit', { moderation: 'low' }, azure)).toEqual([
      'moderation is not taken by Azure for edit',
    ])
    expect(messages('generate', { moderation: 'low' }, azure)).toEqual([])
  })

  test('a markup is uploaded, so it excludes what goes as JSON only, and a mask', () => {
    const model = 'gpt-image-2.5-flare'
    const marked = { hasMarkup: true }

    expect(messages('edit', { model }, marked)).toEqual([])
    expect(messages('edit', { model, moderation: 'low' }, marked)).toEqual([
      'markup is not taken together with moderation: it has to be uploaded, and that edit goes as JSON',
    ])
    expect(messages('edit', { model }, { ...marked, references: ['image'] })).toEqual([
      'markup is not taken together with a file id or an image_url for the API: it has to be uploaded, and that edit goes as JSON',
    ])
    expect(messages('edit', { model }, { ...marked, hasMask: true })).toEqual([
      'markup is not taken together with a mask',
    ])
    expect(messages('edit', {}, marked)).toEqual([
      'markup is not taken by gpt-image-2, only by gpt-image-2.5 and later',
    ])
    expect(messages('generate', { model }, marked)).toEqual(['markup is only taken by edit'])
    expect(messages('edit', { model: 'mystery' }, marked)).toEqual([])
  })

  test('as JSON, pictures have a limit of their own', () => {
    const large = { tooLargeForJson: ['image'] as const }

    expect(messages('edit', {}, large)).toEqual([])
    expect(messages('edit', { moderation: 'auto' }, large)).toEqual([
      'image is too large for an edit with moderation: it has more than 20,971,520 characters as a data URL',
    ])
    expect(messages('edit', {}, { ...large, references: ['mask'], hasMask: true })).toEqual([
      'image is too large for an edit with a file id or an image_url for the API: it has more than 20,971,520 characters as a data URL',
    ])
  })

  test('what --set says for all rows is left out where this model or server takes it nowhere', () => {
    const model = 'gpt-image-2.6-flare'

    expect(isForOtherOperation('svg', 'edit', { model, server: 'openai' })).toBe(true)
    expect(isForOtherOperation('svg', 'generate', { model, server: 'openai' })).toBe(false)
    expect(isForOtherOperation('moderation', 'edit', { model, server: 'openai' })).toBe(false)
    expect(isForOtherOperation('moderation', 'edit', { model: 'x', server: 'azure' })).toBe(true)
    expect(isForOtherOperation('moderation', 'generate', { model, server: 'azure' })).toBe(false)
    expect(isForOtherOperation('style', 'edit', { model, server: 'openai' })).toBe(false)
  })
})
