/** The one question about an input picture that only its pixels answer. */

/** Decodes `picture`, whose size has to be checked before; throws when its data is damaged after all. */
export async function hasTransparentPixels(picture: Uint8Array): Promise<boolean> {
  // Loaded only where a manifest has such a picture.
  const { default: sharp } = await import('sharp')
  const { isOpaque } = await sharp(picture).stats()
  return !isOpaque
}
