/**
 * What the rest of renderq sees of the Images API: one call in, a sequence of answer parts out, or one of
 * our errors. `images-api/client.ts` implements it; nothing here knows HTTP.
 */
import type { ImageRequest, Operation } from '../job.ts'

/** An input picture ready to be sent, with its true media type: the API judges uploads by that, not by bytes. */
export interface UploadPicture {
  bytes: Uint8Array<ArrayBuffer>
  mediaType: string
  filename: string
}

/** An input picture that the API gets by itself: from its Files service, or from a URL. */
export type PictureReference = { file_id: string } | { image_url: string }

export type CallPicture = UploadPicture | PictureReference

export interface ImagesCall {
  operation: Operation
  request: ImageRequest
  /** In the order the API shall see them. */
  images: readonly CallPicture[]
  mask?: CallPicture
  /** Drawn over the first image. */
  markup?: CallPicture
}

/**
 * Where the bytes of one picture go as they are decoded. Awaited before more is read: that is the back-pressure.
 * The chunk's memory is used again afterwards, so whoever keeps it copies it.
 */
export interface PictureSink {
  write(chunk: Uint8Array): Promise<void>
}

export interface SendOptions {
  /** Aborting before the request has left costs nothing; afterwards the call is presumed paid. */
  signal: AbortSignal
  /**
   * Opens a place for the next picture that comes as base64; `slot` counts them from zero. Whether it is a
   * result or a preview, the part that follows says.
   */
  openPicture(slot: number): Promise<PictureSink>
}

/** Tokens as the API reported them, field names untouched. */
export type Usage = Record<string, unknown>

export interface AnswerFacts {
  created: number | null
  usage: Usage | null
  requestId: string | null
  /** Values the API resolved itself where `auto` was asked; absent on older and compatible servers. */
  resolved: { size?: string; quality?: string; background?: string; output_format?: string }
  /** From sending the request to the last byte of the answer. */
  requestMs: number
  /** Things worth a line in the record, e.g. fewer pictures than asked for. */
  warnings: string[]
}

export type AnswerPart =
  /** A result, decoded into the sink of its slot. `index`: its zero-based place among the `n`. */
  | { kind: 'picture'; index: number; slot: number; byteCount: number; revisedPrompt?: string }
  /** A partial picture of a stream, as soon as it has come: never the result. */
  | { kind: 'preview'; slot: number; byteCount: number }
  /** To be downloaded at once: the URL lives 60 minutes. */
  | { kind: 'picture-url'; index: number; url: string; revisedPrompt?: string }
  /** Always the last part; a sequence that ends without it has thrown. */
  | { kind: 'end'; facts: AnswerFacts }

export interface ImagesApi extends AsyncDisposable {
  /** Without credentials: for messages and records, e.g. `https://api.openai.com/v1`. */
  readonly baseUrl: string
  /**
   * Sends the call once, without hidden retries, under one overall deadline. Throws a `RenderError`
   * whose `advice` and `callFate` say what to do and whether the call must be booked as paid.
   */
  send(call: ImagesCall, options: SendOptions): AsyncIterable<AnswerPart>
}
