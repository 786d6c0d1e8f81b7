const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Paths in a text as a person in `folder` would write them: what lies below it without the way there. */
export function inFolder(text: string, folder = process.cwd()): string {
  if (folder === '/') return text
  const below = new RegExp(`(^|\\s|file:)(?://)?${escaped(folder)}/`, 'g')
  return text.replace(below, '$1./')
}
