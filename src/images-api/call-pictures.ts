/** What both forms of a request ask of the pictures that go into it. */
import { InputUnusableError } from '../errors.ts'
import type { CallPicture, PictureReference, UploadPicture } from './contract.ts'

export function isReference(picture: CallPicture | undefined): picture is PictureReference {
  return picture !== undefined && !('bytes' in picture)
}

/** For places that take nothing but files. */
export function uploadOf(picture: CallPicture, field: string): UploadPicture {
  if (isReference(picture)) {
    throw new InputUnusableError(`the ${field} must be a file of its own, not a reference`)
  }
  return withMediaType(picture)
}

/** The API judges an upload by this word alone, and it must not smuggle in anything else. */
export function withMediaType(picture: UploadPicture): UploadPicture {
  const { mediaType } = picture
  if (!/^image\/[a-z0-9.+-]+$/.test(mediaType)) {
    throw new InputUnusableError(`${JSON.stringify(mediaType)} is not the media type of a picture`)
  }
  return picture
}
