/**
 * JSON for a script element: no text in it can end the element, begin a comment, or show as something else in an editor.
 */

/** `<`, `>` and `&`, line separators, and every character that changes the direction of text or has no shape. */
const UNSAFE = /[<>&\u2028\u2029\p{Bidi_Control}\ufeff]/gu

export function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
