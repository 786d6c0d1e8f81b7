/** What the request rules are given, and what they find. */
import type { ImageRequest, Operation } from '../job.ts'
import type { ImageModel } from './models.ts'

/** `message` reads on from the column's name: `size "1025x1024": both edges must be divisible by 16`. */
export interface RequestProblem {
  column: string
  message: string
  /** The nearest accepted value, for `(did you mean …)`. */
  suggestion?: string
}

/** Problems are sure refusals; what a warning speaks of may go through. */
export interface RequestCheck {
  problems: RequestProblem[]
  warnings: string[]
}

/** The emulator is a compatible server that serves every model, for as long as anybody likes. */
export type ServerKind = 'openai' | 'azure' | 'emulator' | 'other'

/** The pictures that a row names. */
export interface PictureContext {
  imageCount: number
  hasMask: boolean
  hasMarkup: boolean
  /** Columns with pictures that the API gets by itself. */
  references: readonly ('image' | 'mask')[]
  /** Columns with pictures that a file upload may have, but not the JSON form of an edit. */
  tooLargeForJson: readonly ('image' | 'mask')[]
}

export interface RequestContext extends PictureContext {
  server: ServerKind
  today: Date
}

export interface Subject {
  operation: Operation
  request: ImageRequest
  context: RequestContext
}

export interface ModelSubject extends Subject {
  model: ImageModel
}
