/**
 * What each model takes, as data: one entry per model, dated names beside the name they stand for.
 * Knows no rule; `rules.ts` reads it. A model that is missing here is not refused, only unchecked.
 * A type test holds the table to the types of OpenAI's own SDK.
 */
import type { ImageRequest, Operation } from '../job.ts'

export const DEFAULT_MODEL = 'gpt-image-2'
/** For models that are not in the table. */
export const DEFAULT_QUALITY = 'medium'

export type ParameterName = keyof ImageRequest

/** Free sizes: any WIDTHxHEIGHT within these bounds. */
export interface SizeBounds {
  /** Both edges are multiples of this. */
  edgeStep: number
  edgeMax: number
  /** Long edge divided by short edge. */
  ratioMax: number
  pixelsMin: number
  pixelsMax: number
  /** Above this the API calls the result experimental. */
  pixelsProven: number
}

export interface ImageModel {
  readonly id: string
  /** Dated names that are the same model. */
  readonly datedIds: readonly string[]
  /** First day on which OpenAI no longer serves it, and what OpenAI names as its successor. */
  readonly shutdown?: { readonly on: string; readonly replacement: string }
  /** Operations it serves and the parameters each of them takes. */
  readonly parameters: Partial<Record<Operation, readonly ParameterName[]>>
  /** Parameters that the API documents without saying for which models: they may be refused here, or do nothing. */
  readonly unprovenParameters?: readonly ParameterName[]
  readonly sizes: { readonly listed: readonly string[]; readonly free?: SizeBounds }
  readonly qualities: readonly string[]
  readonly qualityDefault: string
  /** Largest `n`. */
  readonly picturesMax: number
  readonly promptLengthMax: number
  readonly backgrounds: readonly string[]
  /** Backgrounds that the API calls a preview. */
  readonly previewBackgrounds?: readonly string[]
  readonly formats: Partial<Record<Operation, readonly string[]>>
  /** Formats that only accounts with access to a preview get. */
  readonly previewFormats?: readonly string[]
  readonly complexities: readonly string[]
  readonly inputFidelities: readonly string[]
  readonly styles: readonly string[]
  /** Input pictures of one edit. */
  readonly inputsMax: number
  /** Whether an edit may name pictures that the API gets by itself, which only its JSON form can. */
  readonly takesReferences: boolean
  readonly takesMarkup: boolean
}

const FREE_SIZE: SizeBounds = {
  edgeStep: 16,
  edgeMax: 3_840,
  ratioMax: 3,
  pixelsMin: 655_360,
  pixelsMax: 8_294_400,
  pixelsProven: 2_560 * 1_440,
}

const GPT_EDIT = [
  'model',
  'prompt',
  'n',
  'size',
  'quality',
  'background',
  'output_format',
  'output_compression',
  // Makes the request JSON: `edit-form.ts`.
  'moderation',
  'stream',
  'partial_images',
  'user',
  'safety_identifier',
] as const

const GPT = {
  datedIds: [],
  parameters: { generate: GPT_EDIT, edit: GPT_EDIT },
  unprovenParameters: ['complexity'],
  sizes: { listed: ['1024x1024', '1536x1024', '1024x1536', 'auto'] },
  qualities: ['low', 'medium', 'high', 'auto'],
  qualityDefault: 'medium',
  picturesMax: 10,
  promptLengthMax: 32_000,
  backgrounds: ['auto', 'opaque', 'transparent'],
  formats: { generate: ['png', 'jpeg', 'webp'], edit: ['png', 'jpeg', 'webp'] },
  complexities: ['low', 'medium', 'high'],
  inputFidelities: [],
  styles: [],
  inputsMax: 16,
  takesReferences: true,
  takesMarkup: false,
} as const satisfies Partial<ImageModel>

/** The first generation still chooses how closely an edit follows its inputs. */
const GPT_1 = {
  ...GPT,
  parameters: { generate: GPT_EDIT, edit: [...GPT_EDIT, 'input_fidelity'] },
  inputFidelities: ['low', 'high'],
} as const satisfies Partial<ImageModel>

const GPT_2 = { ...GPT, sizes: { listed: ['auto'], free: FREE_SIZE } } as const

const GPT_2_5 = {
  ...GPT_2,
  qualities: [...GPT.qualities, 'xhigh', 'max'],
  takesMarkup: true,
} as const

const GIF_EDIT = [...GPT_EDIT, 'complexity', 'frame_count', 'frame_duration_ms'] as const

const GPT_2_6 = {
  ...GPT_2_5,
  parameters: { generate: [...GIF_EDIT, 'svg'], edit: GIF_EDIT },
  unprovenParameters: [],
  formats: {
    generate: [...GPT.formats.generate, 'gif', 'svg'],
    edit: [...GPT.formats.edit, 'gif'],
  },
  previewFormats: ['gif', 'svg'],
} as const

const DALL_E = {
  datedIds: [],
  shutdown: { on: '2026-05-12', replacement: 'gpt-image-2' },
  backgrounds: [],
  formats: {},
  complexities: [],
  inputFidelities: [],
  takesReferences: false,
  takesMarkup: false,
} as const satisfies Partial<ImageModel>

const TABLE = [
  { ...GPT_2_6, id: 'gpt-image-2.6-sunburst' },
  { ...GPT_2_6, id: 'gpt-image-2.6-flare' },
  {
    ...GPT_2_5,
    id: 'gpt-image-2.5-sunburst',
    datedIds: ['gpt-image-2.5-sunburst-2026-09-08'],
  },
  { ...GPT_2_5, id: 'gpt-image-2.5-flare', datedIds: ['gpt-image-2.5-flare-2026-09-08'] },
  {
    ...GPT_2,
    id: 'gpt-image-2',
    datedIds: ['gpt-image-2-2026-04-21'],
    previewBackgrounds: ['transparent'],
  },
  {
    ...GPT_1,
    id: 'gpt-image-1.5',
    datedIds: ['gpt-image-1.5-2025-12-16'],
    shutdown: { on: '2026-12-01', replacement: 'gpt-image-2.5-sunburst' },
  },
  {
    ...GPT_1,
    id: 'chatgpt-image-latest',
    shutdown: { on: '2026-12-01', replacement: 'gpt-image-2.5-sunburst' },
  },
  {
    ...GPT_1,
    id: 'gpt-image-1-mini',
    inputFidelities: ['low'],
    shutdown: { on: '2026-12-01', replacement: 'gpt-image-2.5-flare' },
  },
  {
    ...GPT_1,
    id: 'gpt-image-1',
    shutdown: { on: '2026-10-23', replacement: 'gpt-image-2.5-sunburst' },
  },
  {
    ...DALL_E,
    id: 'dall-e-3',
    parameters: {
      generate: ['model', 'prompt', 'n', 'size', 'quality', 'style', 'response_format', 'user'],
    },
    sizes: { listed: ['1024x1024', '1792x1024', '1024x1792'] },
    qualities: ['standard', 'hd'],
    qualityDefault: 'standard',
    picturesMax: 1,
    promptLengthMax: 4_000,
    styles: ['vivid', 'natural'],
    inputsMax: 0,
  },
  {
    ...DALL_E,
    id: 'dall-e-2',
    parameters: {
      generate: ['model', 'prompt', 'n', 'size', 'quality', 'response_format', 'user'],
      edit: ['model', 'prompt', 'n', 'size', 'quality', 'response_format', 'user'],
      variation: ['model', 'n', 'size', 'response_format', 'user'],
    },
    sizes: { listed: ['256x256', '512x512', '1024x1024'] },
    qualities: ['standard'],
    qualityDefault: 'standard',
    picturesMax: 10,
    promptLengthMax: 1_000,
    styles: [],
    inputsMax: 1,
  },
] as const satisfies readonly ImageModel[]

export const IMAGE_MODELS: readonly ImageModel[] = TABLE
/** With every word of the table in the type. */
export type ImageModelTable = typeof TABLE

/** Every name a request may use, dated ones included. */
export const MODEL_NAMES: readonly string[] = IMAGE_MODELS.flatMap((model) => [
  model.id,
  ...model.datedIds,
])

const BY_NAME = new Map(
  IMAGE_MODELS.flatMap((model) => [model.id, ...model.datedIds].map((name) => [name, model])),
)

export function imageModelOf(name: string): ImageModel | undefined {
  return BY_NAME.get(name)
}

export const RESPONSE_FORMATS = ['url', 'b64_json'] as const

export const MODERATIONS = ['auto', 'low'] as const

/** How hard the author of an svg may think; which of these depends on the author. */
export const SVG_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

/** What may be sent as an input picture or a mask. */
export const INPUT_MEDIA_TYPES: ReadonlySet<string> = new Set([
  'image/png',
  'image/webp',
  'image/jpeg',
])
