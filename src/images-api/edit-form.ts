/**
 * The two forms of an edit and what tells them apart. Files are uploaded (multipart), unless the row gives
 * what only the JSON form takes: pictures that the API gets by itself, or `moderation`.
 */
import type { ImageRequest } from '../job.ts'

export type EditForm = 'multipart' | 'json'

export function editFormOf(
  { moderation }: Pick<ImageRequest, 'moderation'>,
  { hasReference }: { hasReference: boolean },
): EditForm {
  return hasReference || moderation !== undefined ? 'json' : 'multipart'
}

/** Of one picture in the JSON form, `data:image/png;base64,` included. */
export const DATA_URL_CHARS_MAX = 20_971_520

export function dataUrlCharsOf({
  mediaType,
  byteCount,
}: {
  mediaType: string
  byteCount: number
}): number {
  return dataUrlHead(mediaType).length + 4 * Math.ceil(byteCount / 3)
}

export const dataUrlHead = (mediaType: string): string => `data:${mediaType};base64,`
