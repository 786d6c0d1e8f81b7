/**
 * OpenAI's own SDK is the newest description of the API that can be compared by a compiler. Where it names
 * a parameter or a word that our request or our model table lacks, or the other way round, this file does
 * not compile; what is known to differ is written out here. Nothing but the last test happens at run time.
 */
import type {
  ImageCreateVariationParams,
  ImageEditParams,
  ImageGenerateParams,
  ImageModel,
} from 'openai/resources/images'
import { expect, expectTypeOf, test } from 'vitest'
import {
  MODEL_NAMES,
  type ImageModelTable,
  type MODERATIONS,
  type RESPONSE_FORMATS,
  type SVG_EFFORTS,
} from '../../../src/images-api/models.ts'
import type { ImageRequest, Operation } from '../../../src/job.ts'
import type { PictureColumn } from '../../../src/producer/columns.ts'

interface Sdk {
  generate: ImageGenerateParams
  edit: ImageEditParams
  variation: ImageCreateVariationParams
}

/** Distributes over the operations: every parameter of any of them. */
type ParameterOf<O extends Operation> = O extends Operation ? keyof Sdk[O] : never
type ValueOf<O extends Operation, Name> = Exclude<NullableOf<O, Name>, null | undefined>
type NullableOf<O extends Operation, Name> = O extends Operation
  ? Name extends keyof Sdk[O]
    ? Sdk[O][Name]
    : never
  : never

type Model = ImageModelTable[number]
/** What the table says that an operation takes, over all models. */
type TakenBy<O extends Operation, M = Model> = M extends {
  parameters: Record<O, readonly (infer Name)[]>
}
  ? Name
  : never
type FormatOf<O extends Operation, M = Model> = M extends {
  formats: Record<O, readonly (infer Format)[]>
}
  ? Format
  : never

/** The words of `'a' | 'b' | (string & {})`. */
type Words<T> = T extends string ? (string extends T ? never : T) : never
/** Text stays text and a number a number, whichever. */
type Kind<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T

test('our request has every parameter of the SDK, and no other', () => {
  expectTypeOf<keyof ImageRequest | PictureColumn>().toEqualTypeOf<ParameterOf<Operation>>()
})

test('each parameter is of the same kind', () => {
  type Ours = { [Name in keyof ImageRequest]-?: Kind<NonNullable<ImageRequest[Name]>> }
  type Theirs = { [Name in keyof ImageRequest]-?: Kind<ValueOf<Operation, Name>> }

  expectTypeOf<Omit<Ours, 'svg'>>().toEqualTypeOf<Omit<Theirs, 'svg'>>()
})

test('svg is the same object', () => {
  type Ours = NonNullable<ImageRequest['svg']>
  type Theirs = ImageGenerateParams.Svg

  expectTypeOf<keyof Ours>().toEqualTypeOf<keyof Theirs>()
  expectTypeOf<Ours['model']>().toEqualTypeOf<Theirs['model']>()
  expectTypeOf<keyof NonNullable<Ours['reasoning']>>().toEqualTypeOf<
    keyof NonNullable<Theirs['reasoning']>
  >()
  expectTypeOf<(typeof SVG_EFFORTS)[number]>().toEqualTypeOf<
    NonNullable<NonNullable<Theirs['reasoning']>['effort']>
  >()
})

test('each operation takes the parameters of the SDK', () => {
  type Theirs<O extends Operation> = Exclude<keyof Sdk[O], PictureColumn>

  expectTypeOf<TakenBy<'generate'>>().toEqualTypeOf<Theirs<'generate'>>()
  // The SDK only makes the multipart form of an edit; moderation belongs to the JSON form.
  expectTypeOf<TakenBy<'edit'>>().toEqualTypeOf<Theirs<'edit'> | 'moderation'>()
  expectTypeOf<TakenBy<'variation'>>().toEqualTypeOf<Theirs<'variation'>>()
})

test('the words of each parameter are those of the SDK', () => {
  expectTypeOf<Model['qualities'][number]>().toEqualTypeOf<ValueOf<Operation, 'quality'>>()
  expectTypeOf<Model['backgrounds'][number]>().toEqualTypeOf<ValueOf<Operation, 'background'>>()
  expectTypeOf<Model['complexities'][number]>().toEqualTypeOf<ValueOf<Operation, 'complexity'>>()
  expectTypeOf<Model['inputFidelities'][number]>().toEqualTypeOf<
    ValueOf<'edit', 'input_fidelity'>
  >()
  expectTypeOf<Model['styles'][number]>().toEqualTypeOf<ValueOf<'generate', 'style'>>()
  expectTypeOf<FormatOf<'generate'>>().toEqualTypeOf<ValueOf<'generate', 'output_format'>>()
  expectTypeOf<FormatOf<'edit'>>().toEqualTypeOf<ValueOf<'edit', 'output_format'>>()
  expectTypeOf<Model['sizes']['listed'][number]>().toEqualTypeOf<
    Words<ValueOf<Operation, 'size'>>
  >()
  expectTypeOf<(typeof RESPONSE_FORMATS)[number]>().toEqualTypeOf<
    ValueOf<Operation, 'response_format'>
  >()
  expectTypeOf<(typeof MODERATIONS)[number]>().toEqualTypeOf<ValueOf<'generate', 'moderation'>>()
})

test('the models are those of the SDK', () => {
  type Name = Model['id'] | Model['datedIds'][number]

  // Retired in December 2026; the SDK never listed it.
  expectTypeOf<Name>().toEqualTypeOf<ImageModel | 'gpt-image-1.5-2025-12-16'>()
  expect(new Set(MODEL_NAMES).size).toBe(MODEL_NAMES.length)
})
