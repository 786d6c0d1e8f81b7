/**
 * What each model takes, as data. Retired models are listed too: the emulator stands in for servers that
 * still serve them, and `shutdownDate` is what the models list says about them.
 */

export const OPERATIONS = ['generate', 'edit', 'variation'] as const
export type Operation = (typeof OPERATIONS)[number]

export const PICTURE_FORMATS = ['png', 'jpeg', 'webp', 'gif', 'svg'] as const
export type PictureFormat = (typeof PICTURE_FORMATS)[number]

/** How output tokens follow from size and quality; see usage.ts. */
type TokenRule =
  | { kind: 'none' }
  | { kind: 'table' }
  | { kind: 'grid'; cellsOf: Readonly<Record<string, number>> }

export interface ImageModel {
  id: string
  /** Models of one family share their rate limits. */
  family: 'dall-e-2' | 'dall-e-3' | 'gpt-image'
  operations: readonly Operation[]
  /** Optional parameters beyond those every model takes, by operation. */
  parameters: Readonly<Partial<Record<Operation, readonly string[]>>>
  promptCharsMax: number
  picturesMax: number
  sizes: readonly string[] | 'free'
  qualities: readonly string[]
  /** What `auto` or no quality at all turns into. */
  qualityOfAuto: string
  /** Values of `output_format`, by operation; none: the model makes png and is never asked. */
  formats: Readonly<Partial<Record<Operation, readonly PictureFormat[]>>>
  /** Values of `input_fidelity`; none: the model refuses the parameter. */
  inputFidelities: readonly string[]
  inputs: { countMax: number; bytesMax: number; squarePngOnly: boolean }
  /** Pictures of an edit may be named in JSON instead of being uploaded. */
  editsAsJson: boolean
  /** `b64_json`: pictures only inline; `response_format` is then an unknown parameter. */
  answers: 'url-or-b64_json' | 'b64_json'
  tokens: TokenRule
  released: string
  shutdownDate: string | null
}

const GPT_GENERATE = [
  'quality',
  'background',
  'output_format',
  'output_compression',
  'moderation',
  'stream',
  'partial_images',
  'safety_identifier',
]
/** `moderation` is left out on purpose: only the JSON form of an edit takes it, see rules.ts. */
const GPT_EDIT = [...GPT_GENERATE.filter((name) => name !== 'moderation'), 'input_fidelity']
const STILL_FORMATS = ['png', 'jpeg', 'webp'] as const
const GIF_PARAMETERS = ['frame_count', 'frame_duration_ms']

const GPT_IMAGE_1 = {
  family: 'gpt-image',
  operations: ['generate', 'edit'],
  parameters: { generate: GPT_GENERATE, edit: GPT_EDIT },
  promptCharsMax: 32_000,
  picturesMax: 10,
  sizes: ['1024x1024', '1536x1024', '1024x1536'],
  qualities: ['low', 'medium', 'high'],
  qualityOfAuto: 'medium',
  formats: { generate: STILL_FORMATS, edit: STILL_FORMATS },
  inputFidelities: ['low', 'high'],
  inputs: { countMax: 16, bytesMax: 50_000_000, squarePngOnly: false },
  editsAsJson: true,
  answers: 'b64_json',
  tokens: { kind: 'table' },
} as const satisfies Partial<ImageModel>

const GPT_IMAGE_2 = {
  ...GPT_IMAGE_1,
  sizes: 'free',
  qualityOfAuto: 'low',
  inputFidelities: [],
  tokens: { kind: 'grid', cellsOf: { low: 16, medium: 48, high: 96 } },
} as const satisfies Partial<ImageModel>

const GPT_IMAGE_2_5 = {
  ...GPT_IMAGE_2,
  parameters: { generate: GPT_GENERATE, edit: [...GPT_EDIT, 'markup'] },
  qualities: ['low', 'medium', 'high', 'xhigh', 'max'],
  qualityOfAuto: 'medium',
  tokens: { kind: 'grid', cellsOf: { low: 16, medium: 24, high: 48, xhigh: 64, max: 96 } },
} as const satisfies Partial<ImageModel>

/** gif and svg need access that has to be granted; the emulator's account has it. */
const GPT_IMAGE_2_6 = {
  ...GPT_IMAGE_2_5,
  parameters: {
    generate: [...GPT_GENERATE, ...GIF_PARAMETERS, 'complexity', 'svg'],
    edit: [...GPT_EDIT, ...GIF_PARAMETERS, 'complexity', 'markup'],
  },
  formats: { generate: [...STILL_FORMATS, 'gif', 'svg'], edit: [...STILL_FORMATS, 'gif'] },
  tokens: { kind: 'grid', cellsOf: { low: 33, medium: 45, high: 48, xhigh: 64, max: 96 } },
} as const satisfies Partial<ImageModel>

const DALL_E_2: ImageModel = {
  id: 'dall-e-2',
  family: 'dall-e-2',
  operations: ['generate', 'edit', 'variation'],
  parameters: {
    generate: ['quality', 'response_format'],
    edit: ['quality', 'response_format'],
    variation: ['response_format'],
  },
  promptCharsMax: 1_000,
  picturesMax: 10,
  sizes: ['256x256', '512x512', '1024x1024'],
  qualities: ['standard'],
  qualityOfAuto: 'standard',
  formats: {},
  inputFidelities: [],
  inputs: { countMax: 1, bytesMax: 4_000_000, squarePngOnly: true },
  editsAsJson: false,
  answers: 'url-or-b64_json',
  tokens: { kind: 'none' },
  released: '2022-11-03',
  shutdownDate: '2026-05-12',
}

const DALL_E_3: ImageModel = {
  ...DALL_E_2,
  id: 'dall-e-3',
  family: 'dall-e-3',
  operations: ['generate'],
  parameters: { generate: ['quality', 'response_format', 'style'] },
  promptCharsMax: 4_000,
  picturesMax: 1,
  sizes: ['1024x1024', '1792x1024', '1024x1792'],
  qualities: ['standard', 'hd'],
  released: '2023-11-06',
}

const gone = (released: string, shutdownDate: string) => ({ released, shutdownDate })
const live = (released: string) => ({ released, shutdownDate: null })

export const MODELS: readonly ImageModel[] = [
  DALL_E_2,
  DALL_E_3,
  { id: 'gpt-image-1', ...GPT_IMAGE_1, ...gone('2025-04-23', '2026-10-23') },
  {
    id: 'gpt-image-1-mini',
    ...GPT_IMAGE_1,
    inputFidelities: ['low'],
    ...gone('2025-10-06', '2026-12-01'),
  },
  { id: 'gpt-image-1.5', ...GPT_IMAGE_1, ...gone('2025-12-16', '2026-12-01') },
  { id: 'gpt-image-1.5-2025-12-16', ...GPT_IMAGE_1, ...gone('2025-12-16', '2026-12-01') },
  { id: 'chatgpt-image-latest', ...GPT_IMAGE_1, ...gone('2025-12-16', '2026-12-01') },
  { id: 'gpt-image-2', ...GPT_IMAGE_2, ...live('2026-04-21') },
  { id: 'gpt-image-2-2026-04-21', ...GPT_IMAGE_2, ...live('2026-04-21') },
  { id: 'gpt-image-2.5-flare', ...GPT_IMAGE_2_5, ...live('2026-09-08') },
  { id: 'gpt-image-2.5-flare-2026-09-08', ...GPT_IMAGE_2_5, ...live('2026-09-08') },
  { id: 'gpt-image-2.5-sunburst', ...GPT_IMAGE_2_5, ...live('2026-09-08') },
  { id: 'gpt-image-2.5-sunburst-2026-09-08', ...GPT_IMAGE_2_5, ...live('2026-09-08') },
  { id: 'gpt-image-2.6-flare', ...GPT_IMAGE_2_6, ...live('2026-11-04') },
  { id: 'gpt-image-2.6-sunburst', ...GPT_IMAGE_2_6, qualityOfAuto: 'high', ...live('2026-11-04') },
]

const BY_ID = new Map(MODELS.map((model) => [model.id, model]))

export function findModel(id: string): ImageModel | undefined {
  return BY_ID.get(id)
}

/** `day` as `YYYY-MM-DD`; the day of the shutdown is the first without the model. */
export function isShutDown({ shutdownDate }: ImageModel, day: string): boolean {
  return shutdownDate !== null && shutdownDate <= day
}

/** What a request without `model` gets. Today's documentation still names these, so the emulator follows. */
export const DEFAULT_MODELS: Readonly<Record<Operation, string>> = {
  generate: 'dall-e-2',
  edit: 'gpt-image-1.5',
  variation: 'dall-e-2',
}
