/** Is a file in the spool a picture, and the one that was asked for? */
import { messageOf } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import { inspectPicture } from '../picture.ts'
import type { PictureFile } from './spool-draft.ts'
import type { SpooledPicture } from './spooled-answer.ts'

export interface Verdict {
  picture?: SpooledPicture
  /** Why it is none. */
  problem?: Error
}

export async function inspectSpooled(
  found: PictureFile | undefined,
  index: number,
): Promise<Verdict> {
  if (found === undefined) return { problem: new Error(`picture ${index + 1} did not come`) }
  const { path, byteCount, sha256 } = found
  try {
    const { mediaType, extension, width, height } = await inspectPicture({ file: path })
    return {
      picture: { index, file: path, byteCount, sha256, mediaType, extension, width, height },
    }
  } catch (cause) {
    const message = `picture ${index + 1} is unusable: ${messageOf(cause)}`
    return { problem: new Error(message, { cause }) }
  }
}

/** What differs from what was asked. It is kept all the same: it was paid. */
export function oddities({ request }: RenderJob, picture: SpooledPicture): string[] {
  const format = request.output_format
  const size = `${picture.width}x${picture.height}`
  const asked = /^\d+x\d+$/.test(request.size ?? '') ? request.size : undefined
  const extension = format === 'jpeg' ? 'jpg' : format
  return [
    ...(extension !== undefined && extension !== picture.extension
      ? [`picture ${picture.index + 1} is ${picture.extension}, asked was ${format}`]
      : []),
    ...(asked !== undefined && asked !== size
      ? [`picture ${picture.index + 1} is ${size}, asked was ${asked}`]
      : []),
  ]
}
