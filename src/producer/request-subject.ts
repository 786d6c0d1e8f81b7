/** What a row's request is made of, and what comes out. */
import type { PictureContext } from '../images-api/rules.ts'
import type { ImageRequest, Operation } from '../job.ts'
import type { Column } from './columns.ts'
import type { RowCells } from './row-cells.ts'

/** Cells by column, templates filled. */
export type RowValues = ReadonlyMap<Column, unknown>

export interface RowRequest {
  operation: Operation
  request: ImageRequest
}

export interface RequestSubject {
  cells: RowCells
  values: RowValues
  /** Columns whose templates could not be filled: reported already, and better not called missing. */
  failed: ReadonlySet<Column>
  /** Found or not. */
  pictures: PictureContext
}
